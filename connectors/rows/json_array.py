"""A JSON file that is one array of objects, read element by element."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rag.connectors.rows.row import BadRow, Numbered

_FIRST = 1 << 16
_SPACE = re.compile(r"[ \t\r\n]*")
# Where a window ends within a value, the parser complains near its end, or of an open string.
_OPEN_STRING = "Unterminated string"
_NEAR = 16


def json_array(path: Path, longest: int) -> Iterator[Numbered | BadRow]:
    """The objects of an array, numbered from 1; one of over `longest` characters ends the file.

    Nothing after a fault in the JSON itself can be told apart, and so it is the last. Raises
    OSError.
    """
    with path.open("rb") as raw:
        wide = raw.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    with path.open(encoding="utf-16" if wide else "utf-8-sig") as file:
        yield from _Window(file, longest).elements()


class _Window:
    """The part of a file that is in memory; `at` is where reading goes on in it."""

    def __init__(self, file: IO[str], longest: int) -> None:
        self._file = file
        self._longest = longest
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = json.JSONDecoder()

    def elements(self) -> Iterator[Numbered | BadRow]:
        number = 0
        try:
            if self._next() != "[":
                told = "the file is no JSON array [...]; objects on lines belong in a .jsonl file"
                yield BadRow("beginning", told)
                return
            self._at += 1
            if self._next() == "]":
                return
            while True:
                number += 1
                found = self._value()
                if isinstance(found, dict):
                    yield Numbered(number, found)
                else:
                    told = "is not an object with fields: {...}"
                    yield BadRow(f"record {number}", told, number)
                if self._next() == "]":
                    return
                self._comma()
        except (ValueError, RecursionError) as error:
            told = " ".join(str(error).split())
            where = f"record {number or 1}"
            yield BadRow(where, f"is not JSON that can be read: {told}")

    def _next(self) -> str:
        """The next character that is no white space, not taken; "" at the end of the file."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more(_FIRST)

    def _comma(self) -> None:
        if self._next() != ",":
            raise ValueError("expected ',' or ']' after it")
        self._at += 1
        self._next()

    def _value(self) -> object:
        size = _FIRST
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith(_OPEN_STRING) or error.pos > len(self._text) - _NEAR
                if self._ended or not cut:
                    raise ValueError(error.msg) from None
            else:
                # A number at the end of the window may go on behind it.
                if self._ended or end < len(self._text):
                    self._at = end
                    return value
            if len(self._text) - self._at > self._longest:
                raise ValueError(f"longer than max_bytes = {self._longest:,}; raise it")
            self._more(size)
            size *= 2  # so that a large value is not parsed again and again

    def _more(self, size: int) -> None:
        added = self._file.read(size)
        self._ended = not added
        self._text = self._text[self._at :] + added
        self._at = 0
