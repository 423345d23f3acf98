"""Which format reads a page: what its server says it is, and its name where that says little."""

from __future__ import annotations

import mimetypes
from urllib.parse import unquote

from rag.connectors.formats.catalogue import by_extension, by_media_type, extension, format_of
from rag.connectors.formats.decoding import transcoded
from rag.connectors.formats.format import Format
from rag.connectors.web.exchange import Fetched
from rag.connectors.web.url import path_of
from rag.connectors.web.version import reader_name

# Servers say these of much that they know nothing about.
_VAGUE = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream"})
_TEXTUAL = ("xml", "json", "javascript", "yaml")


def reader_for(url: str, media_type: str) -> Format | None:
    """The format of a page; what says nothing of itself, not even by its name, is HTML."""
    name = unquote(path_of(url))
    if media_type in _VAGUE and (named := format_of(name)):
        return named
    if not media_type and extension(name) == "":
        return format_of("", "text/html")
    return format_of("", media_type)


def reader_called(name: str) -> Format | None:
    """The format whose `reader_name` is `name`; None where it is another version by now."""
    readers = (*by_media_type().values(), *by_extension().values())
    return next((reader for reader in readers if reader_name(reader) == name), None)


def unreadable(url: str) -> str | None:
    """The extension of an address that no format reads, such as that of a picture."""
    name = unquote(path_of(url))
    if format_of(name) is not None:
        return None
    kind, compressed = mimetypes.guess_type(name, strict=False)
    known = compressed is not None or (kind is not None and format_of("", kind) is None)
    scripted = extension(name) in {".php", ".asp", ".aspx", ".jsp", ".cgi"}
    return extension(name) if known and not scripted else None


def content(fetched: Fetched) -> bytes:
    """The bytes of a page for its format, with the encoding that its server said."""
    kind = fetched.media_type
    textual = kind.startswith("text/") or kind.endswith(_TEXTUAL)
    return transcoded(fetched.body, fetched.charset) if textual else fetched.body
