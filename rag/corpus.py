"""The documents of a dataset, as an index takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rag.evaluate.dataset import Dataset
from rag.protocols import Connector, Tokenizer
from rag.registry import load
from rag.types import Document, Failure, Item, Passage


def connector_of(dataset: Dataset) -> Connector:
    """What lists the documents of a dataset."""
    if dataset.documents is not None:
        return DatasetConnector(dataset)
    connector: Connector = load("connector", "files")(
        paths=[dataset.files], base=dataset.files.resolve()
    )
    return connector


class WholeDocument:
    """A chunker for texts that are passages already. It may give more than an encoder reads."""

    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        """The document's text as one passage."""
        text = document.text.strip()
        start = document.text.find(text)
        if text:
            yield Passage(
                document_id=document.id,
                start=start,
                end=start + len(text),
                text=text,
                source=document.source,
                title=document.title,
                metadata=document.metadata,
            )


class DatasetConnector:
    """The documents that a dataset carries itself: see `rag.protocols.Connector`."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def items(self) -> Iterator[Item | Failure]:
        """Every document of the dataset, in its order."""
        assert self._dataset.documents is not None
        for document in self._dataset.documents():
            yield Item(document.id, document.source, document.content_hash, _loader(document))

    def covers(self, source: str) -> bool:
        """An index of a trial holds nothing else."""
        return True


def _loader(document: Document) -> Callable[[], Document]:
    return lambda: document
