"""Comma-, semicolon- or tab-separated files whose first row names the fields."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rag.connectors.formats.csv import delimiter
from rag.connectors.formats.decoding import decode
from rag.connectors.rows.fields import listed, not_among
from rag.connectors.rows.line import LongLine, numbered_lines
from rag.connectors.rows.row import BadRow, Numbered, Row
from rag.connectors.rows.values import Cell
from rag.errors import DocumentError

_SAMPLE = 1 << 20
_UNDECODABLE = re.compile("[\udc80-\udcff]")


def separated(path: Path, needed: Sequence[str], longest: int) -> Iterator[Numbered | BadRow]:
    """The rows below the first, numbered as a spreadsheet does: the first of them is 2.

    The first row must have the `needed` fields. The encoding is told from the first megabyte.
    Raises OSError.
    """
    try:
        encoding, mark = _form(path)
    except DocumentError as error:
        yield BadRow("beginning", f"the file {error}")
        return
    # The module keeps one limit for the whole process; it only ever grows here.
    csv.field_size_limit(max(csv.field_size_limit(), longest))
    # UTF-16 has no such escape: what cannot be decoded is shown as U+FFFD.
    errors = "replace" if encoding == "utf-16" else "surrogateescape"
    with path.open(encoding=encoding, errors=errors, newline="") as file:
        lines = _Lines(numbered_lines(file, longest), longest)
        yield from _rows(csv.reader(lines, delimiter=mark), needed, lines)


def _form(path: Path) -> tuple[str, str]:
    """The encoding and the delimiter of a file. Raises DocumentError where it is no text."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    if not sample.strip():
        raise DocumentError("is empty: its first row names the fields")
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", delimiter(sample.decode("utf-16", "ignore"), path.name)
    if len(sample) == _SAMPLE:
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    decoded = decode(sample, "CSV")
    encoding = "utf-8-sig" if decoded.encoding == "utf-8" else decoded.encoding
    return encoding, delimiter(decoded.text, path.name)


class _Lines:
    """The lines of a file for the reader, which takes several for a row with quotes.

    `row` counts the characters of the row at hand: a quote that is never closed ends at the
    limit. Lines over it are put in `long`.
    """

    def __init__(self, lines: Iterator[tuple[int, str | LongLine]], longest: int) -> None:
        self._lines = lines
        self._longest = longest
        self.row = 0
        self.long: list[BadRow] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        for number, line in self._lines:
            if isinstance(line, LongLine):
                self.long.append(BadRow(f"line {number}", line.error))
                continue
            self.row += len(line)
            if self.row > self._longest:
                raise csv.Error(f"a quote is open for max_bytes = {self._longest:,}; close it")
            return line.replace("\0", "")
        raise StopIteration


def _rows(
    reader: Iterator[list[str]], needed: Sequence[str], lines: _Lines
) -> Iterator[Numbered | BadRow]:
    names: list[str] = []
    number = 0
    while True:
        lines.row = 0
        try:
            cells = next(reader, None)
        except csv.Error as error:
            number += 1
            yield BadRow(f"row {number}", f"is not CSV that can be read: {error}", number)
            continue
        for bad in lines.long:
            number += 1
            yield replace(bad, number=number)
        lines.long.clear()
        if cells is None:
            return
        number += 1
        if not any(cell.strip() for cell in cells):
            continue
        if names:
            yield _row(number, names, cells)
            continue
        names = [cell.strip() for cell in cells]
        if fault := _fault(names, needed):
            yield BadRow(f"row {number}", fault)
            return


def _fault(names: list[str], needed: Sequence[str]) -> str:
    twice = [name for name, times in Counter(names).items() if name and times > 1]
    if twice:
        return f"names the field {listed(twice)} twice; fields need names of their own"
    return not_among([name for name in names if name], needed)


def _row(number: int, names: list[str], cells: list[str]) -> Numbered | BadRow:
    if any(cell.strip() for cell in cells[len(names) :]):
        told = f"has {len(cells)} cells under {len(names)} names; quote what holds a delimiter"
        return BadRow(f"row {number}", told, number)
    if any(map(_UNDECODABLE.search, cells)):
        told = "holds bytes that are not in the encoding of the file"
        return BadRow(f"row {number}", told, number)
    pairs = zip(names, cells, strict=False)
    row: Row = {name: Cell(cell) if cell.strip() else None for name, cell in pairs if name}
    return Numbered(number, row)
