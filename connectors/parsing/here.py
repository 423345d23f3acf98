"""Parsing in this process."""

from __future__ import annotations

from rag.connectors.formats.format import Format, Parsed
from rag.errors import DocumentError, RagError

_LONGEST = 400


def parse_here(reader: Format, data: bytes, name: str) -> Parsed:
    """What `reader` makes of `data`. Raises DocumentError, whatever goes wrong."""
    if not data:
        raise DocumentError("is empty")
    try:
        parsed = reader.parse(data, name)
    except RagError as error:  # which says what to do, such as which extra to install
        told = _line(str(error))
        if isinstance(error, DocumentError) and told == str(error):
            raise
        raise DocumentError(told) from error
    # A parser may fail in ways of its own on damaged input, and one file must not stop the rest.
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        raise DocumentError(_line(f"cannot be read as {reader.name}: {detail}")) from error
    if not parsed.text.strip():
        raise DocumentError("is empty")
    return parsed


def _line(text: str) -> str:
    """`text` as one line that can be shown: what libraries say may quote half of the file."""
    line = " ".join(text[: 4 * _LONGEST].split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
