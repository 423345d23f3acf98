"""The formats at hand, by file extension and by media type."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import PurePath
from types import MappingProxyType

from rag import registry
from rag.connectors.formats.format import Format

# Files that are no document but many, and the connector that reads them.
_OF_CONNECTORS = {".mbox": "mail", ".parquet": "records", ".pq": "records"}


@cache
def by_extension() -> Mapping[str, Format]:
    """The format that reads each extension; the alphabetically first name wins a tie."""
    found: dict[str, Format] = {}
    for reader in _formats():
        for extension in reader.extensions:
            found.setdefault(extension, reader)
    return MappingProxyType(found)


@cache
def by_media_type() -> Mapping[str, Format]:
    """The format that reads each media type, such as `text/html`."""
    found: dict[str, Format] = {}
    for reader in _formats():
        for media_type in reader.media_types:
            found.setdefault(media_type, reader)
    return MappingProxyType(found)


def format_of(name: str, media_type: str | None = None) -> Format | None:
    """The format for what `name` is a name or URL path of, or else is declared to be."""
    declared = (media_type or "").partition(";")[0].strip().lower()
    return by_media_type().get(declared) or by_extension().get(extension(name))


def unread(name: str) -> str:
    """What to say of a file whose extension no format reads."""
    if (use := _OF_CONNECTORS.get(extension(name))) is not None:
        return f"holds many documents, which '{use}' reads: name it as {use}:{PurePath(name).name}"
    return f"no format reads '{extension(name)}' files; the formats are {known()}"


def known() -> str:
    """The names of all formats in one line; their extensions would take a page."""
    return ", ".join(registry.names("format"))


def extension(name: str) -> str:
    """The extension that decides the format: lower case, with its dot; empty for none."""
    return PurePath(name).suffix.lower()


@cache
def _formats() -> tuple[Format, ...]:
    return tuple(registry.load("format", name)() for name in registry.names("format"))
