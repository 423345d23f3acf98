"""JSON Lines: one object on each line, in UTF-8."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path

from rag.connectors.rows.line import LongLine, numbered_lines
from rag.connectors.rows.row import BadRow, Numbered

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def json_lines(path: Path, longest: int) -> Iterator[Numbered | BadRow]:
    """The objects in a file, numbered by their lines; blank lines are passed over.

    A line of more than `longest` bytes is a bad one. Raises OSError.
    """
    with path.open("rb") as file:
        for number, line in numbered_lines(file, longest):
            if number == 1 and isinstance(line, bytes):
                if line.startswith(_WIDE):
                    yield BadRow("line 1", "the file is in UTF-16; save it as UTF-8")
                    return
                line = line.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901 - the mark is no text
            if isinstance(line, LongLine):
                yield BadRow(f"line {number}", line.error, number)
            elif line.strip():
                yield _object(number, line)


def _object(number: int, line: bytes) -> Numbered | BadRow:
    try:
        found = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        told = f"is not UTF-8, at byte {error.start + 1} of the line"
    except json.JSONDecodeError as error:
        told = f"is not JSON: {error.msg}, at character {error.colno} of the line"
    except (ValueError, RecursionError) as error:  # a number too long, or nested too deep
        told = f"is not JSON that can be read: {' '.join(str(error).split())}"
    else:
        if isinstance(found, dict):
            return Numbered(number, found)
        told = "is not an object with fields: {...}"
    return BadRow(f"line {number}", told, number)
