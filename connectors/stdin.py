"""One document from standard input."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from functools import partial
from typing import Annotated, ClassVar

from pydantic import Field

from rag.connectors.formats.catalogue import by_extension, extension, unread
from rag.connectors.formats.format import Format, Parse
from rag.connectors.formats.signature import is_pdf
from rag.connectors.names import printable, readable_stem
from rag.connectors.parsing.here import parse_here
from rag.connectors.reading import too_large
from rag.errors import SourceError
from rag.types import Document, Failure, Item

_HTML = re.compile(rb"\s*(?:<!doctype html|<html|<head|<body)[\s>]", re.IGNORECASE)


class StdinConnector:
    """Reads standard input to its end, once, as one document called `stdin:NAME`.

    The extension of `name` decides the format; without one, the content does: PDF, HTML, or
    else plain text. The version is a hash of the bytes. Raises SourceError from `items()` where
    standard input is a terminal, closed, or cannot be read.
    """

    given: ClassVar[frozenset[str]] = frozenset({"parse"})
    shorthand: ClassVar[str] = "name"

    def __init__(
        self,
        *,
        name: Annotated[str, Field(min_length=1)] = "stdin",
        max_bytes: Annotated[int, Field(ge=1)] = 100_000_000,
        parse: Parse = parse_here,
    ) -> None:
        if extension(name) and extension(name) not in by_extension():
            raise SourceError(f"'{printable(name)}': {unread(name)}")
        self._name = name
        self._max_bytes = max_bytes
        self._parse = parse
        self._source = f"stdin:{printable(name)}"
        self._data: bytes | None = None

    def items(self) -> Iterator[Item | Failure]:
        """The one document. Raises SourceError."""
        if self._data is None:
            self._data = self._read()
        if len(self._data) > self._max_bytes:
            yield Failure(self._source, too_large(len(self._data), self._max_bytes))
            return
        reader = self._format(self._data)
        digest = hashlib.sha256(self._data).hexdigest()
        version = f"{digest}-{reader.name}-{reader.version}"
        load = partial(self._load, reader, self._data)
        yield Item(self._source, self._source, version, load, len(self._data))

    def covers(self, source: str) -> bool:
        """Whether `source` is the one document."""
        return source == self._source

    def _read(self) -> bytes:
        if sys.stdin is None or sys.stdin.closed:
            raise SourceError("standard input is closed; pipe a document into it")
        if sys.stdin.isatty():
            raise SourceError("standard input is a terminal; pipe a document into it")
        try:
            # One more tells that there is more.
            return sys.stdin.buffer.read(self._max_bytes + 1)
        except OSError as error:
            raise SourceError(f"cannot read standard input: {error.strerror or error}") from error

    def _format(self, data: bytes) -> Format:
        found = extension(self._name)
        if not found:
            html = _HTML.match(data.removeprefix(b"\xef\xbb\xbf"))
            found = ".pdf" if is_pdf(data) else ".html" if html else ".txt"
        return by_extension()[found]

    def _load(self, reader: Format, data: bytes) -> Document:
        parsed = self._parse(reader, data, self._source)
        title = parsed.title or readable_stem(self._name)
        metadata = {**parsed.metadata, "format": reader.name.lower()}
        return Document(self._source, self._source, parsed.text, title, parsed.blocks, metadata)
