"""Tables on a printed page: which lines are their rows, and what stands in which column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import TypeAlias

from rag.connectors.formats.printed.columns import joined
from rag.connectors.formats.printed.layout import LOOSEST, SOFT_HYPHEN, Cell, Line, is_label

Table: TypeAlias = tuple[int, int, tuple[str, ...]]

# Gaps between cells, in sizes of the type: wider than any space between words; and, beside a
# row that is known to be one, wider than spaces between words that are not spread out.
_GAP = 1.5
_GAP_BESIDE_ROW = 0.8
_TIGHT = 1.8  # baselines of a table's rows, where one of them is a label alone
_APART = 2.3  # of the distance of rows: another table, and not a row left free
_OVERLAPPING = 0.95  # of the type's size: no two lines of a column are as close as that
_NEAR = 0.9  # of the distance of rows: nearer lines are of one row
_CURRENCY = re.compile(r"[$€£¥₹₩₽]|(?:US|C|A|HK|NZ)\$|(?:USD|EUR|GBP|CHF|JPY)")
_CLOSING = re.compile(r"[)%]{1,2}")
_FIGURE = re.compile(r"\d")
_PROSE = 0.75  # of the widest line: a line as long as that is no label beside figures


def settled(lines: list[Line]) -> list[Line]:
    """`lines` with the cells that they have for certain: words that are spread out are one."""
    found = [_tidied(joined(line, _GAP)) for line in lines]
    for order in (range(1, len(lines)), range(len(lines) - 2, -1, -1)):
        for here in order:
            line, beside = found[here], found[here - order.step]
            if len(beside.cells) > len(line.cells) and beside.size == line.size:
                parted = _tidied(joined(lines[here], _GAP_BESIDE_ROW))
                found[here] = parted if len(parted.cells) <= len(beside.cells) else line
    return found


def tables(lines: list[Line]) -> Iterator[Table]:
    """Where tables begin and end among the `lines` of a page, and their rows."""
    done = 0
    for start, end in _runs(lines):
        if start < done:
            continue
        first, last = _with_headings(lines, start, end, done), _with_label(lines, start, end)
        yield first, last, tuple(_texts(lines[first:last]))
        done = last


def _tidied(line: Line) -> Line:
    """`line` with signs of money, signs behind numbers, and marks of lists where they belong."""
    if not line.tabular:
        return line
    cells = [line.cells[0]]
    for cell in line.cells[1:]:
        before, _, sign = cells[-1].text.rpartition(" ")
        if before and _CURRENCY.fullmatch(sign):  # it stands close behind another number
            cells[-1] = cells[-1].with_text(before)
            cell = cell.with_text(f"{sign} {cell.text}")  # noqa: PLW2901
        leads = len(cells) == 1 and is_label(cells[0].text)
        if leads or _CURRENCY.fullmatch(cells[-1].text) or _CLOSING.fullmatch(cell.text):
            cells[-1] = cells[-1].beside(cell)
        else:
            cells.append(cell)
    return line if len(cells) == len(line.cells) else replace(line, cells=tuple(cells))


def _runs(lines: list[Line]) -> Iterator[tuple[int, int]]:
    """Runs of rows, with the labels that stand alone among them."""
    here = 0
    while here < len(lines):
        if not lines[here].tabular:
            here += 1
            continue
        start = here
        here += 1
        while (following := _next_row(lines, start, here)) is not None:
            here = following + 1
        yield start, here


def _next_row(lines: list[Line], start: int, here: int) -> int | None:
    """The next row of the table that begins at `start` and goes to before `here`, if any."""
    for step in (0, 1, 2):
        if here + step >= len(lines):
            return None
        above, line = lines[here + step - 1], lines[here + step]
        gap, pitch = above.base - line.base, _pitch(lines[start:here], line.size)
        if not 0 < gap <= min(LOOSEST * max(above.size, line.size), _APART * pitch):
            return None
        if line.tabular:
            return here + step if _alike(lines[start], line) else None
        if not _is_label_of(lines, start, here, line):
            return None
    return None


def _alike(one: Line, other: Line) -> bool:
    return max(one.size, other.size) <= 1.3 * min(one.size, other.size)


def _is_label_of(lines: list[Line], start: int, here: int, line: Line) -> bool:
    """Whether a line of one cell may stand among the rows from `start` to `here`."""
    rows = [row for row in lines[start:here] if row.tabular]
    above = lines[here - 1]
    near = above.base - line.base <= _TIGHT * _pitch(rows, line.size)
    left, right = min(row.left for row in rows), max(row.right for row in rows)
    inside = left - line.size <= line.left and line.right <= right + line.size
    short = line.right - line.left <= _PROSE * (right - left)
    return near and inside and short and _alike(rows[0], line)


def _pitch(rows: Sequence[Line], size: float) -> float:
    """The usual distance of rows."""
    steps = [a.base - b.base for a, b in pairwise(rows) if a.base > b.base]
    return max(median(steps) if steps else 0.0, 1.15 * size)


def _with_headings(lines: list[Line], start: int, end: int, least: int) -> int:
    """Where a table begins: headings over several columns stand above its first row."""
    table = lines[start:end]
    label = min(table, key=lambda row: row.left).cells[0]
    while start > least:
        line, below = lines[start - 1], lines[start]
        over = (
            line.left > label.left + 2 * line.size
            and line.right <= max(row.right for row in table) + 2 * line.size
        )
        near = 0 < line.base - below.base <= _TIGHT * max(line.size, below.size)
        if line.tabular or not (over and near and _alike(line, table[0])):
            break
        start -= 1
    return start


def _with_label(lines: list[Line], start: int, end: int) -> int:
    """Where a table ends: the label of its last row may go on in the next line."""
    if end >= len(lines):
        return end
    above, line = lines[end - 1], lines[end]
    goes_on = line.text[0].islower() and abs(line.left - above.left) < 2 * line.size
    near = 0 < above.base - line.base <= 1.3 * line.size
    return end + 1 if goes_on and near and _is_label_of(lines, start, end, line) else end


def _texts(lines: Sequence[Line]) -> Iterator[str]:
    rows = _unwrapped(lines)
    columns = _columns(rows)
    for row in rows:
        cells = [cell.text.replace(SOFT_HYPHEN, "-") for cell in row]
        places = _places(row, columns)
        if places is not None and len(row) > 1:
            cells = [""] * (places[-1] + 1)
            for place, cell in zip(places, row, strict=True):
                cells[place] = cell.text.replace(SOFT_HYPHEN, "-")
        yield " | ".join(cells).lstrip()


def _unwrapped(lines: Sequence[Line]) -> list[list[Cell]]:
    """The rows of `lines`; the lines of cells that were wrapped are joined where it is clear."""
    near = _NEAR * _pitch(lines, 0.0)
    rows = [list(lines[0].cells)]
    for above, line in pairwise(lines):
        cells = list(line.cells)
        tight = above.base - line.base <= 1.35 * line.size
        nearer = above.base - line.base < near
        if above.base - line.base < _OVERLAPPING * line.size:
            rows[-1] = _interleaved(rows[-1], cells)
        elif tight and (merged := _continued(rows[-1], cells, nearer=nearer)):
            rows[-1] = merged
        else:
            rows.append(cells)
    return rows


def _continued(above: list[Cell], below: list[Cell], *, nearer: bool) -> list[Cell] | None:
    """Two lines as one row, if each cell of the shorter one goes on in one cell of the other."""
    upper = len(above) <= len(below)
    few, many = (above, below) if upper else (below, above)
    places = _matching(few, many)
    if places is None:
        return None
    labelled = few[0].left <= many[0].left + 1
    figures = any(_FIGURE.search(cell.text) for cell in few)
    goes_on = labelled and below[0].text[0].islower() and not above[0].text.endswith(":")
    heads = not labelled and not figures and not any(_FIGURE.search(many[p].text) for p in places)
    if not ((goes_on and len(few) == 1) or heads or (nearer and not figures)):
        return None
    row = list(many)
    for cell, place in zip(few, places, strict=True):
        row[place] = cell.over(many[place]) if upper else many[place].over(cell)
    return row


def _interleaved(above: Sequence[Cell], below: Sequence[Cell]) -> list[Cell]:
    """Two lines as one row that lie too close to be two: their cells are of several lines."""
    row = list(above)
    for cell in below:
        under = next((number for number, other in enumerate(row) if cell.overlaps(other)), None)
        if under is None:
            row.append(cell)
        else:
            row[under] = row[under].over(cell)
    return sorted(row, key=lambda cell: cell.left)


def _matching(few: Sequence[Cell], many: Sequence[Cell]) -> list[int] | None:
    """For each of `few` cells the only one of `many` over or under it; None if one has several."""
    places: list[int] = []
    for cell in few:
        found = [number for number, other in enumerate(many) if cell.overlaps(other)]
        if len(found) != 1 or found[0] in places:
            return None
        places += found
    return places


def _columns(rows: Sequence[Sequence[Cell]]) -> list[Cell]:
    """The columns that the fullest rows have; [] where these do not agree."""
    most = max(map(len, rows))
    full = [row for row in rows if len(row) == most]
    columns = [
        Cell("", min(cell.left for cell in column), max(cell.right for cell in column))
        for column in zip(*full, strict=True)
    ]
    apart = all(a.right <= b.left for a, b in pairwise(columns))
    return columns if apart else []


def _places(row: Sequence[Cell], columns: Sequence[Cell]) -> list[int] | None:
    """The column of each cell; None where it cannot be told."""
    return _matching(row, columns) if columns else None
