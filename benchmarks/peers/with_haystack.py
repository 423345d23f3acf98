"""Haystack: an in-memory document store, both of its retrievers, and a joiner, as pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from phases import Embedding, Search, main

_STORE = "store.json"


class Haystack:
    """See `phases.Library`."""

    def __init__(self, given: Mapping[str, Any], embedding: Embedding) -> None:
        self._model_folder, self._depth = given["model"], given["depth"]
        self._embedding = embedding
        self._embedder: Any = None

    def load(self) -> None:
        """The embedder of documents."""
        embedders = _embedders()
        self._embedder = embedders.SentenceTransformersDocumentEmbedder(
            model=self._model_folder, progress_bar=False
        )
        self._embedder.warm_up()
        backend = self._embedder.embedding_backend
        backend.embed = _timed(backend.embed, self._embedding)

    def encode(self, texts: list[str]) -> Any:
        """Vectors in batches of its default size."""
        from haystack import Document

        found = self._embedder.run([Document(content=text) for text in texts])["documents"]
        return [document.embedding for document in found]

    def build(self, documents: Path, index: Path) -> None:
        """Files are converted whole; the store is saved as JSON."""
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        store = InMemoryDocumentStore()
        self._write(store, _converted(documents))
        index.mkdir()
        store.save_to_disk(str(index / _STORE))

    def again(self, documents: Path, index: Path) -> int:
        """Documents whose id, a digest of text and source, is known are left out."""
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        store = InMemoryDocumentStore.load_from_disk(str(index / _STORE))
        found = _converted(documents)
        # Ids are digests of what a document says and where it is from.
        ids = [document.id for document in found]
        condition = {"field": "id", "operator": "in", "value": ids}
        known = {document.id for document in store.filter_documents(condition)}
        new = [document for document in found if document.id not in known]
        if new:
            self.load()
            self._write(store, new)
            store.save_to_disk(str(index / _STORE))
        return len(new)

    def open(self, index: Path) -> Mapping[str, Search]:
        """Each way of searching is a pipeline, made when it is first asked."""
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        store = InMemoryDocumentStore.load_from_disk(str(index / _STORE))
        return {
            "hybrid": self._search(store, ("dense", "words")),
            "dense": self._search(store, ("dense",)),
            "bm25": self._search(store, ("words",)),
        }

    def _write(self, store: Any, documents: list[Any]) -> None:
        from haystack.document_stores.types import DuplicatePolicy

        embedded = self._embedder.run(documents)["documents"]
        store.write_documents(embedded, policy=DuplicatePolicy.OVERWRITE)

    def _search(self, store: Any, arms: tuple[str, ...]) -> Search:
        made = cache(lambda: self._pipeline(store, arms))
        last = "join" if len(arms) > 1 else arms[0]

        def search(question: str) -> list[str]:
            pipeline, inputs = made()
            given = {name: {field: question} for name, field in inputs.items()}
            found = pipeline.run(given)[last]["documents"]
            return [Path(document.meta["file_path"]).stem for document in found]

        return search

    def _pipeline(self, store: Any, arms: tuple[str, ...]) -> tuple[Any, dict[str, str]]:
        from haystack import Pipeline
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers.in_memory import (
            InMemoryBM25Retriever,
            InMemoryEmbeddingRetriever,
        )

        pipeline, inputs = Pipeline(), {}
        if "dense" in arms:
            pipeline.add_component("embed", self._question_embedder())
            pipeline.add_component(
                "dense", InMemoryEmbeddingRetriever(document_store=store, top_k=self._depth)
            )
            pipeline.connect("embed.embedding", "dense.query_embedding")
            inputs["embed"] = "text"
        if "words" in arms:
            pipeline.add_component(
                "words", InMemoryBM25Retriever(document_store=store, top_k=self._depth)
            )
            inputs["words"] = "query"
        if len(arms) > 1:
            join = DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=self._depth)
            pipeline.add_component("join", join)
            for arm in arms:
                pipeline.connect(arm, "join")
        return pipeline, inputs

    def _question_embedder(self) -> Any:
        embedder = _embedders().SentenceTransformersTextEmbedder(
            model=self._model_folder, progress_bar=False
        )
        embedder.warm_up()
        _time_questions(embedder.embedding_backend, self._embedding)
        return embedder


def _embedders() -> Any:
    from haystack_integrations.components.embedders import sentence_transformers

    return sentence_transformers


def _converted(documents: Path) -> list[Any]:
    from haystack.components.converters import TextFileToDocument

    sources = sorted(documents.iterdir())
    found: list[Any] = TextFileToDocument().run(sources=sources)["documents"]
    return found


def _time_questions(backend: Any, embedding: Embedding) -> None:
    """Embedders of one model share their backend: it is wrapped once."""
    if not hasattr(backend, "timed"):
        embed, backend.timed = backend.embed, True
        backend.embed = lambda *given, **options: embedding.question(
            lambda: embed(*given, **options)
        )


def _timed(embed: Any, embedding: Embedding) -> Any:
    def timed(texts: list[str], **options: Any) -> Any:
        return embedding.passages(texts, lambda some: embed(some, **options)).tolist()

    return timed


if __name__ == "__main__":
    main(Haystack)
