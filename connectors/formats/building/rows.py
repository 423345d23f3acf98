"""Rows of a table as sentences: each cell after the name of its column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TypeAlias

from rag.errors import DocumentError

Row: TypeAlias = tuple[int, Mapping[int, str]]
"""A row's number and its cells that hold anything, by column from 0."""

MOST_CHARACTERS = 200_000_000  # of one document, with the names said in every row

_WITHIN = 20  # rows: a table's header is looked for among the first so many
_BELOW = 5  # rows: what is looked at to tell a header from what it heads
_LONGEST_NAME = 300
_LONGEST_NUMBER = 40
_NUMBER = re.compile(r"[-+(]*[^\w\s]?\s*\d[\d.,\s]*\)?\s*[^\w\s]?")
_DATE = re.compile(r"\d{1,4}[-/.]\d\d?(?:[-/.]\d{1,4})?(?:[ T]\d\d?:\d\d(?::\d\d)?)?")
_PERIOD = re.compile(r"(?:19|20)\d\d(?:-\d\d){0,2}")


def sentences(rows: Iterator[Row]) -> Iterator[tuple[int, str]]:
    """Each row but the header as `Column: value; Column: value`, with its number.

    The header is the first row, of the first twenty, whose cells read like names of what is
    below; narrower rows above it, such as a title, stay rows. There may be none. Raises
    DocumentError where names said again and again make more text than any table holds.
    """
    first = list(islice(rows, _WITHIN))
    head, names = _header(first)
    written = 0
    for place, (number, cells) in enumerate(chain(first, rows)):
        if place != head:
            sentence = _sentence(names if place > head else {}, cells)
            written += len(sentence)
            if written > MOST_CHARACTERS:
                raise DocumentError(f"holds more than {MOST_CHARACTERS:,} characters; split it")
            yield number, sentence


def _sentence(names: Mapping[int, str], cells: Mapping[int, str]) -> str:
    # A cell beyond the last column has no name, and a column without a cell no value.
    pairs = ((names.get(column, ""), cell) for column, cell in sorted(cells.items()))
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs)


def _header(rows: Sequence[Row]) -> tuple[int, Mapping[int, str]]:
    """The place among `rows` of the one that heads the rest, and its names; -1 for none."""
    widest = 0
    for place, (_, cells) in enumerate(rows[:-1]):
        below = [row for _, row in rows[place + 1 : place + 1 + _BELOW]]
        names = _within_groups(cells, rows[place - 1][1]) if place else cells
        # A title is one cell above several; two rows of like width are rows of one table.
        if (place == 0 or 2 * widest <= len(cells)) and _heads(names, below, first=place == 0):
            return place, names
        widest = max(widest, len(cells))
    return -1, {}


def _within_groups(cells: Mapping[int, str], above: Mapping[int, str]) -> Mapping[int, str]:
    """Names that are alike told apart by the names of groups in the row above them.

    A group's name stands over the first of its columns: `2023` over `Fee` and `Tax`.
    """
    if len(set(cells.values())) == len(cells):
        return cells
    found: dict[int, str] = {}
    group = ""
    for column in sorted(cells.keys() | above.keys()):
        group = above.get(column, group)
        if column in cells:
            found[column] = f"{group} {cells[column]}".strip()
    return found


def _heads(cells: Mapping[int, str], below: Sequence[Mapping[int, str]], *, first: bool) -> bool:
    """Whether `cells` read like the names of what is in the rows `below`."""
    if not _covers(cells, below) or not _are_names(cells, corner=min(cells) > min(below[0])):
        return False
    return first or len(cells) > 2 or any(_is_number(row.get(at)) for row in below for at in cells)


def _covers(cells: Mapping[int, str], below: Sequence[Mapping[int, str]]) -> bool:
    """Whether there is a name for nearly each column below; the first may go without one."""
    gaps = max(cells) - min(cells) + 1 - len(cells)
    width = max(len(row) for row in below)
    enough = len(cells) + 1 >= width or 5 * len(cells) >= 4 * width
    return enough and not gaps and min(cells) <= min(below[0]) + 1 and len(cells) >= min(width, 2)


def _are_names(cells: Mapping[int, str], *, corner: bool) -> bool:
    """Whether no two cells are alike and none is a figure; `corner`: the first has no name."""
    texts = list(cells.values())
    figures = [text for text in texts if _is_number(text)]
    periods = _are_periods(figures) and len(figures) < len(texts) + corner
    short = all(len(text) <= _LONGEST_NAME for text in texts)
    return short and len(set(texts)) == len(texts) and (not figures or periods)


def _are_periods(texts: Sequence[str]) -> bool:
    """Whether figures are years or days in order, which head columns as names do."""
    ordered = sorted(texts) in (list(texts), list(texts[::-1]))
    return len(texts) > 1 and ordered and all(_PERIOD.fullmatch(text) for text in texts)


def _is_number(text: str | None) -> bool:
    if text is None or len(text) > _LONGEST_NUMBER:
        return False
    return bool(_NUMBER.fullmatch(text) or _DATE.fullmatch(text))
