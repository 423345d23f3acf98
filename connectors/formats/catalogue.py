"""The formats at hand, by file extension."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import PurePath
from types import MappingProxyType

from rag import registry
from rag.connectors.formats.format import Format


@cache
def by_extension() -> Mapping[str, Format]:
    """The format that reads each extension; the alphabetically first name wins a tie."""
    found: dict[str, Format] = {}
    for name in registry.names("format"):
        reader: Format = registry.load("format", name)()
        for extension in reader.extensions:
            found.setdefault(extension, reader)
    return MappingProxyType(found)


def extension(name: str) -> str:
    """The extension that decides the format: lower case, with its dot; empty for none."""
    return PurePath(name).suffix.lower()
