"""Documents of LangChain loaders, given from Python."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from rag.connectors.formats.blocks import paragraphs
from rag.connectors.formats.decoding import clean
from rag.connectors.names import printable, without_password
from rag.connectors.rows.fields import taken_twice
from rag.connectors.rows.values import fields_of, scalar
from rag.connectors.scope import Scope
from rag.errors import DocumentError, SourceError
from rag.types import Block, Document, Failure, Item, Scalar

_FROM_PYTHON = (
    "a LangChain loader is given from Python and cannot be written out: "
    "rag.index(LangchainConnector(loader=...))"
)


class LangchainConnector:
    """What a loader yields, each a document named `langchain:NAME#ID`.

    `loader` is any `BaseLoader` of langchain-core, or an iterable of its `Document`s such as
    a list. The id is the document's own; without one its metadata's `source` and its number
    among those of that source; without that a hash of its content. Title and metadata are those
    of its metadata. `name` says which documents belong together: give one, unlike those of other
    loaders, and a document that the loader no longer yields is removed from the index; without
    one, the name is that of the loader's class and nothing is ever removed.

    Raises SourceError where there is no loader, or one that can be listed only once is listed
    again.
    """

    given: ClassVar[frozenset[str]] = frozenset({"loader"})

    def __init__(self, *, loader: Any = None, name: str = "") -> None:
        if loader is None:
            raise SourceError(_FROM_PYTHON)
        if not hasattr(loader, "lazy_load") and not isinstance(loader, Iterable):
            raise SourceError(
                f"'{type(loader).__name__}' is no loader: it has no lazy_load() and is no iterable"
            )
        self._loader = loader
        self._named = bool(name)
        self._scope = Scope("langchain", printable(name or type(loader).__name__))
        self._used_up = False

    @classmethod
    def faults(cls, _options: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """A loader cannot be written in a file, whatever the options."""
        yield "loader", _FROM_PYTHON

    def items(self) -> Iterator[Item | Failure]:
        """Every document in the loader's order, as it comes."""
        self._scope.begin()
        times: Counter[str] = Counter()
        number = 0
        try:
            for number, found in enumerate(self._documents(), start=1):
                yield self._step(number, found, times)
        except SourceError:
            raise
        # A loader may raise whatever it likes, and what it has yielded is good.
        except Exception as error:  # noqa: BLE001
            detail = " ".join(clean(f"{type(error).__name__}: {error}").split())
            detail = without_password(detail)
            told = f"the loader failed after {number:,} documents: {detail}; run again"
            yield Failure(self._scope.place("listing"), told)
            return
        self._scope.end()

    def covers(self, source: str) -> bool:
        """Whether `source` is of this name, of those listed if the listing ended early."""
        return self._named and self._scope.covers(source)

    def _documents(self) -> Iterator[Any]:
        if hasattr(self._loader, "lazy_load"):
            return iter(self._loader.lazy_load())
        if iter(self._loader) is self._loader:
            if self._used_up:
                raise SourceError("the documents were read already; give a list or a loader")
            self._used_up = True
        return iter(self._loader)

    def _step(self, number: int, found: Any, times: Counter[str]) -> Item | Failure:
        place = self._scope.place(f"document {number}")
        text = getattr(found, "page_content", None)
        metadata = getattr(found, "metadata", None)
        if not isinstance(text, str) or not isinstance(metadata, Mapping):
            return Failure(place, f"is a {type(found).__name__}, and no document of LangChain")
        own = getattr(found, "id", None)
        key = _counted(text, metadata, times) if own is None or own == "" else str(own)
        source = self._scope.take(key)
        if source is None:
            return Failure(place, taken_twice("document", key))
        document = _document(source, text, metadata)
        return Item(source, source, document.content_hash, lambda: _full(document))


def _counted(text: str, metadata: Mapping[Any, Any], times: Counter[str]) -> str:
    """The id of a document that has none: equal in every run that yields the same."""
    told = str(metadata.get("source") or _hash(text))
    times[told] += 1
    return f"{told}#{times[told]}"


def _document(source: str, text: str, metadata: Mapping[Any, Any]) -> Document:
    text = clean(text)
    title = " ".join(clean(str(metadata.get("title") or "")).split())
    blocks = tuple(Block(start, end) for start, end in paragraphs(text, 0, len(text)))
    return Document(source, source, text, title, blocks, _scalars(metadata))


def _scalars(metadata: Mapping[Any, Any]) -> dict[str, Scalar]:
    told = ((clean(str(key)), scalar(value)) for key, value in fields_of(metadata))
    return {key: value for key, value in told if value is not None and key != "title"}


def _full(document: Document) -> Document:
    if not document.text.strip():
        raise DocumentError("is empty")
    return document


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
