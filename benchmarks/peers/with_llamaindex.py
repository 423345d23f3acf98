"""LlamaIndex: its own vector index and BM25Retriever, joined by a QueryFusionRetriever."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phases import Embedding, Search, main

_WORDS = "bm25"


class LlamaIndex:
    """See `phases.Library`."""

    def __init__(self, given: Mapping[str, Any], embedding: Embedding) -> None:
        self._model_folder, self._depth = given["model"], given["depth"]
        self._embedding = embedding
        self._model: Any = None

    def load(self) -> None:
        """The model becomes the one that everything takes by default."""
        from llama_index.core import Settings

        self._model = Settings.embed_model = _embeddings(self._model_folder, self._embedding)

    def encode(self, texts: list[str]) -> Any:
        """Vectors in batches of its default size."""
        return self._model.get_text_embedding_batch(texts)

    def build(self, documents: Path, index: Path) -> None:
        """The vector index of documents as its reader gives them; BM25 over the same nodes."""
        from llama_index.core import VectorStoreIndex

        self._save(VectorStoreIndex.from_documents(_read(documents)), index)

    def again(self, documents: Path, index: Path) -> int:
        """Documents whose digest is another are refreshed."""
        self.load()
        made = _opened(index)
        refreshed = sum(made.refresh_ref_docs(_read(documents)))
        if refreshed:
            self._save(made, index)
        return refreshed

    def open(self, index: Path) -> Mapping[str, Search]:
        """No question is written by a language model; ranks are joined, as in its examples."""
        from llama_index.core import Settings
        from llama_index.core.retrievers import QueryFusionRetriever
        from llama_index.retrievers.bm25 import BM25Retriever

        self.load()
        Settings.llm = None
        dense = _opened(index).as_retriever(similarity_top_k=self._depth)
        words = BM25Retriever.from_persist_dir(str(index / _WORDS))
        words.similarity_top_k = min(self._depth, len(words.corpus))
        hybrid = QueryFusionRetriever(
            [dense, words],
            mode="reciprocal_rerank",
            num_queries=1,
            similarity_top_k=self._depth,
        )
        retrievers = {"hybrid": hybrid, "dense": dense, "bm25": words}
        return {mode: _search(retriever) for mode, retriever in retrievers.items()}

    def _save(self, made: Any, index: Path) -> None:
        from llama_index.retrievers.bm25 import BM25Retriever

        made.storage_context.persist(str(index))
        BM25Retriever.from_defaults(docstore=made.docstore).persist(str(index / _WORDS))


def _embeddings(folder: str, embedding: Embedding) -> Any:
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    class Timed(HuggingFaceEmbedding):
        """What is known is known by its text: by default a file's path is encoded as well."""

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            known = {_plain(text): text for text in texts}
            encode = super()._get_text_embeddings

            def whole(some: list[str]) -> list[list[float]]:
                return encode([known[text] for text in some])

            return embedding.passages([_plain(text) for text in texts], whole).tolist()

        def _get_query_embedding(self, query: str) -> list[float]:
            return embedding.question(lambda: super(Timed, self)._get_query_embedding(query))

    return Timed(model_name=folder)


def _plain(text: str) -> str:
    """The text without the lines of metadata above it."""
    return text.partition("\n\n")[2] if text.startswith("file_path: ") else text


def _read(documents: Path) -> list[Any]:
    from llama_index.core import SimpleDirectoryReader

    found: list[Any] = SimpleDirectoryReader(str(documents), filename_as_id=True).load_data()
    return found


def _opened(index: Path) -> Any:
    from llama_index.core import StorageContext, load_index_from_storage

    return load_index_from_storage(StorageContext.from_defaults(persist_dir=str(index)))


def _search(retriever: Any) -> Search:
    return lambda question: [
        Path(found.node.metadata["file_name"]).stem for found in retriever.retrieve(question)
    ]


if __name__ == "__main__":
    main(LlamaIndex)
