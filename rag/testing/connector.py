"""What every connector promises."""

from __future__ import annotations

from pathlib import Path

from rag.errors import DocumentError
from rag.protocols import Connector
from rag.types import Document, Failure, Item


class ConnectorSuite:
    """Override `make`: a connector over a source with at least two good items and one bad one.

    The bad item is a `Failure`, or an item whose `load` raises DocumentError.
    """

    def make(self, folder: Path) -> Connector:
        """The connector; `folder` is empty and may be written into."""
        raise NotImplementedError

    def test_is_a_connector(self, tmp_path: Path) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(tmp_path), Connector)

    def test_order_is_stable(self, tmp_path: Path) -> None:
        """Listing twice gives the same items with the same versions."""
        connector = self.make(tmp_path)
        first, second = (_listed(connector) for _ in range(2))
        assert first == second

    def test_ids_are_unique(self, tmp_path: Path) -> None:
        """No two items share an id."""
        names = [one.id for one in self.make(tmp_path).items() if isinstance(one, Item)]
        assert len(names) == len(set(names))

    def test_bad_item_is_reported_and_the_rest_go_on(self, tmp_path: Path) -> None:
        """One bad item leaves the others readable, and its error is one line."""
        documents, errors = _read(self.make(tmp_path))
        assert len(documents) >= 2, "the source must have two items that can be read"
        assert errors, "the source must have one item that cannot be read, and report it"
        assert all(error and "\n" not in error for error in errors)

    def test_documents_are_their_items(self, tmp_path: Path) -> None:
        """A loaded document has its item's id and source, and loading again gives the same."""
        for item in self.make(tmp_path).items():
            document = _loaded(item)
            if isinstance(item, Item) and document is not None:
                assert (document.id, document.source) == (item.id, item.source)
                assert document.content_hash == item.load().content_hash

    def test_blocks_ascend_inside_the_text(self, tmp_path: Path) -> None:
        """Blocks do not overlap and lie within the text."""
        for document in _read(self.make(tmp_path))[0]:
            ends = [0, *(block.end for block in document.blocks)]
            starts = [*(block.start for block in document.blocks), len(document.text)]
            assert all(end <= start for end, start in zip(ends, starts, strict=True))
            assert all(block.start <= block.end for block in document.blocks)

    def test_text_can_be_stored(self, tmp_path: Path) -> None:
        """Text and titles have no half of a surrogate pair."""
        for document in _read(self.make(tmp_path))[0]:
            (document.text + document.title + document.source + document.id).encode()

    def test_covers_what_it_lists(self, tmp_path: Path) -> None:
        """`covers` is true for each listed item, so that only unlisted ones are removed."""
        connector = self.make(tmp_path)
        items = [one for one in connector.items() if isinstance(one, Item)]
        assert all(connector.covers(item.source) for item in items)


def _listed(connector: Connector) -> list[tuple[str, str]]:
    return [
        (one.id, one.version) if isinstance(one, Item) else (one.source, one.error)
        for one in connector.items()
    ]


def _loaded(item: Item | Failure) -> Document | None:
    try:
        return item.load() if isinstance(item, Item) else None
    except DocumentError:
        return None


def _read(connector: Connector) -> tuple[list[Document], list[str]]:
    documents: list[Document] = []
    errors: list[str] = []
    for item in connector.items():
        if isinstance(item, Failure):
            errors.append(item.error)
            continue
        try:
            documents.append(item.load())
        except DocumentError as error:
            errors.append(str(error))
    return documents, errors
