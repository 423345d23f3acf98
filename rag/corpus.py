"""The documents of a dataset, as an index takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set

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
    return _Without(connector, dataset.left_out) if dataset.left_out else connector


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


class _Without:
    """A connector less some of its files, all that is read from them included."""

    def __init__(self, connector: Connector, left_out: Set[str]) -> None:
        self._connector = connector
        self._left_out = left_out

    def items(self) -> Iterator[Item | Failure]:
        """The others."""
        for item in self._connector.items():
            if item.source.partition("#")[0] not in self._left_out:
                yield item

    def covers(self, source: str) -> bool:
        """As the connector does."""
        return self._connector.covers(source)


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
