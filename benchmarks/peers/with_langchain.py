"""LangChain: FAISS and BM25Retriever in an EnsembleRetriever, indexed under a record manager."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phases import Embedding, Search, main

_NAMESPACE = "peers"


class LangChain:
    """See `phases.Library`."""

    def __init__(self, given: Mapping[str, Any], embedding: Embedding) -> None:
        self._model_folder, self._depth = given["model"], given["depth"]
        self._embedding = embedding
        self._model: Any = None

    def load(self) -> None:
        """The model, as its integration loads it."""
        self._model = _embeddings(self._model_folder, self._embedding)

    def encode(self, texts: list[str]) -> Any:
        """Vectors in batches of its default size."""
        return self._model.embed_documents(texts)

    def build(self, documents: Path, index: Path) -> None:
        """An index that was empty, filled under a record manager as its guide has it."""
        import faiss
        from langchain_community.docstore.in_memory import InMemoryDocstore
        from langchain_community.vectorstores import FAISS

        index.mkdir()
        dimension = len(self._model.embed_query("dimension"))
        store = FAISS(self._model, faiss.IndexFlatL2(dimension), InMemoryDocstore(), {})
        records = _records(index)
        records.create_schema()
        self._synchronise(documents, store, records)
        store.save_local(str(index))

    def again(self, documents: Path, index: Path) -> int:
        """The record manager leaves out what it knows."""
        self.load()
        store = self._opened(index)
        worked_on = self._synchronise(documents, store, _records(index))
        store.save_local(str(index))
        return worked_on

    def open(self, index: Path) -> Mapping[str, Search]:
        """Both retrievers, and the ensemble of the two with equal weights."""
        from langchain_classic.retrievers import EnsembleRetriever
        from langchain_community.retrievers import BM25Retriever

        self.load()
        store = self._opened(index)
        dense = store.as_retriever(search_kwargs={"k": self._depth})
        # It cannot be saved: whoever opens the index builds it anew.
        words = BM25Retriever.from_documents(list(store.docstore._dict.values()), k=self._depth)
        hybrid = EnsembleRetriever(retrievers=[words, dense], weights=[0.5, 0.5])
        retrievers = {"hybrid": hybrid, "dense": dense, "bm25": words}
        return {mode: _search(retriever) for mode, retriever in retrievers.items()}

    def _opened(self, index: Path) -> Any:
        from langchain_community.vectorstores import FAISS

        return FAISS.load_local(str(index), self._model, allow_dangerous_deserialization=True)

    def _synchronise(self, documents: Path, store: Any, records: Any) -> int:
        from langchain_community.document_loaders import DirectoryLoader, TextLoader
        from langchain_core.indexing import index

        loader = DirectoryLoader(
            str(documents),
            glob="*.txt",
            loader_cls=TextLoader,
            loader_kwargs={"encoding": "utf-8"},
        )
        found = index(
            loader.load(),
            records,
            store,
            cleanup="full",
            source_id_key="source",
            key_encoder="sha256",
        )
        return sum(found[name] for name in ("num_added", "num_updated", "num_deleted"))


def _embeddings(folder: str, embedding: Embedding) -> Any:
    from langchain_huggingface import HuggingFaceEmbeddings

    class Timed(HuggingFaceEmbeddings):
        """Counts its seconds, and takes vectors that are known."""

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return embedding.passages(texts, super().embed_documents).tolist()

        def embed_query(self, text: str) -> list[float]:
            return embedding.question(lambda: super(Timed, self).embed_query(text))

    return Timed(model_name=folder)


def _records(index: Path) -> Any:
    from langchain_classic.indexes import SQLRecordManager

    return SQLRecordManager(_NAMESPACE, db_url=f"sqlite:///{index / 'records.db'}")


def _search(retriever: Any) -> Search:
    return lambda question: [
        Path(document.metadata["source"]).stem for document in retriever.invoke(question)
    ]


if __name__ == "__main__":
    main(LangChain)
