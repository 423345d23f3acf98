"""Plain values, as JSON holds them, as readable text: `address.city: Oslo`.

An array of objects becomes rows, `key: value; key: value`, one for each object; numbers are
written as they stand in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from rag.connectors.formats.blocks import Writer, paragraphs
from rag.connectors.formats.decoding import clean
from rag.errors import DocumentError

Value: TypeAlias = str | bool | Mapping[str, "Value"] | Sequence["Value"] | None
_Pair: TypeAlias = tuple[str, str]

DEEPEST = 100
_LONG = 200  # a value over this length, or of several lines, is prose and stands alone
_LONGEST_ROW = 2000
_FULL = 1000
_LONGEST_TITLE = 200


class Records:
    """Writes values, one after the other, as text and blocks."""

    def __init__(self) -> None:
        self.writer = Writer(gap="\n")
        self._lines: list[str] = []
        self._size = 0

    def write(self, value: Value, path: str = "") -> None:
        """Write a value that stands at `path`. Raises DocumentError where it is too deep."""
        for key, found in self._outside_rows(value, path, 0):
            self._line(f"{key}: {found}" if key else found, found)
        self._flush()

    def row(self, value: Value, row: int, path: str = "") -> None:
        """Write one value of many as row `row`: one block, or several where it is long."""
        pairs = list(_pairs(value, "", 0))
        text = "; ".join(f"{key}: {found}" if key else found for key, found in pairs)
        if len(text) <= _LONGEST_ROW and not any(_is_prose(found) for _, found in pairs):
            self.writer.add(text, "table", place=path, row=row)
            return
        for key, found in pairs:
            self._line(f"{key}: {found}" if key else found, found, path, row)
        self._flush(path, row)

    def _outside_rows(self, value: Value, path: str, depth: int) -> Iterator[_Pair]:
        """What is written as lines; arrays of objects are written as rows on the way."""
        _limit(depth)
        if isinstance(value, Mapping):
            for key, inner in value.items():
                yield from self._outside_rows(inner, _joined(path, key), depth + 1)
        elif _is_table(value):
            self._flush()
            assert isinstance(value, Sequence)
            for number, inner in enumerate(value, start=1):
                self.row(inner, number, path)
        else:
            yield from _pairs(value, path, depth)

    def _line(self, line: str, value: str, place: str = "", row: int | None = None) -> None:
        alone = _is_prose(value)
        if alone or self._size + len(line) > _FULL:
            self._flush(place, row)
        if alone:
            for start, end in paragraphs(line, 0, len(line)):
                self.writer.add(line[start:end], place=place, row=row)
            return
        self._lines.append(line)
        self._size += len(line)

    def _flush(self, place: str = "", row: int | None = None) -> None:
        self.writer.add("\n".join(self._lines), place=place, row=row)
        self._lines, self._size = [], 0


def title_of(value: Value) -> str:
    """The `title` or `name` of an object, where it is a short string."""
    if isinstance(value, Mapping):
        for key in ("title", "name", "Title", "Name"):
            found = value.get(key)
            if isinstance(found, str) and len(found) <= _LONGEST_TITLE:
                return " ".join(clean(found).split())
    return ""


def _pairs(value: Value, path: str, depth: int) -> Iterator[_Pair]:
    """The scalars within a value with their paths; what is empty or null is left out."""
    _limit(depth)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _pairs(inner, _joined(path, key), depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from _items(value, path, depth)
    elif value is not None and (text := _scalar(value).strip()):
        yield path, text


def _items(values: Sequence[Value], path: str, depth: int) -> Iterator[_Pair]:
    """The items of an array: scalars joined to a line, all else under its number from 1."""
    short: list[str] = []
    size = 0
    for number, value in enumerate(values, start=1):
        text = _scalar(value).strip() if isinstance(value, str | bool) else ""
        if text and not _is_prose(text):
            short.append(text)
            size += len(text)
        if short and (size > _LONG or not text or _is_prose(text)):
            yield path, ", ".join(short)
            short, size = [], 0
        if not text or _is_prose(text):
            yield from _pairs(value, f"{path}[{number}]", depth + 1)
    if short:
        yield path, ", ".join(short)


def _is_table(value: Value) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    return bool(value) and all(isinstance(inner, Mapping) for inner in value)


def _is_prose(text: str) -> bool:
    return len(text) > _LONG or "\n" in text


def _joined(path: str, key: str) -> str:
    name = " ".join(clean(key).split())
    return f"{path}.{name}" if path else name


def _scalar(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return clean(str(value))


def _limit(depth: int) -> None:
    if depth > DEEPEST:
        raise DocumentError(f"is nested more than {DEEPEST} deep; flatten it")
