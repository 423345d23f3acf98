"""Parsing in this process."""

from __future__ import annotations

from rag.connectors.formats.format import Format, Parsed
from rag.errors import DocumentError


def parse_here(reader: Format, data: bytes, name: str) -> Parsed:
    """What `reader` makes of `data`. Raises DocumentError, whatever goes wrong."""
    if not data:
        raise DocumentError("is empty")
    try:
        parsed = reader.parse(data, name)
    except DocumentError:
        raise
    # A parser may fail in ways of its own on damaged input, and one file must not stop the rest.
    except Exception as error:
        detail = " ".join(f"{type(error).__name__}: {error}".split())
        raise DocumentError(f"cannot be read as {reader.name}: {detail}") from error
    if not parsed.text.strip():
        raise DocumentError("is empty")
    return parsed
