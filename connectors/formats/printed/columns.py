"""The order in which the lines of a page are read: columns one after the other, from the top."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import TypeAlias

from rag.connectors.formats.printed.layout import Cell, Line

_Row: TypeAlias = list[Line]
_Gap: TypeAlias = tuple[float, float]

_SAME_BASE = 0.35  # of the type's size
_NOTE = 1.2  # times smaller is the type of a note's number, which stands higher
_RAISED = 0.6
_DEEPEST = 4
_FEWEST_LINES = 4
# What makes the lines on one side of a gap prose and not a table's column: their middle length
# in characters, the share that stand whole, and how far the middle line fills the column.
_LENGTH = 18
_WHOLE = 0.8
_FILLED = 0.6
_LETTERS = 0.6
_NARROWEST = 0.7  # gap between columns, in sizes of the type
_MARGIN = 0.12  # of the page's width: no gap there parts columns
_MOST_GAPS = 200  # followed down a page, and runs of rows looked into: pages can be made to have
_MOST_BANDS = 50  # millions
_BREAK = 1.25  # times the usual leading
_WIDE_GAP = 1.5


def in_reading_order(lines: list[Line]) -> list[Line]:
    """`lines` from top to bottom, column by column; what stands on one baseline is one line."""
    upright = [line for line in lines if not line.turned]
    turned = [line for line in lines if line.turned]
    return [*_ordered(upright, 0), *turned]


def joined(line: Line, widest: float) -> Line:
    """`line` with those cells made one that stand closer than `widest`, in sizes of its type."""
    if len(line.cells) == 1:
        return line
    cells = [line.cells[0]]
    for cell in line.cells[1:]:
        if cell.left - cells[-1].right > widest * line.size:
            cells.append(cell)
        else:
            cells[-1] = cells[-1].beside(cell)
    return line if len(cells) == len(line.cells) else replace(line, cells=tuple(cells))


def _ordered(lines: list[Line], depth: int) -> list[Line]:
    rows = _rows(lines)
    parts = _parted(rows) if depth < _DEEPEST and _may_have_columns(lines) else None
    if parts is None:
        return [_merged(row) for row in rows]
    return [line for part in parts for line in _ordered(part, depth + 1)]


def _rows(lines: list[Line]) -> list[_Row]:
    """Lines on about the same baseline, from the top; what overlaps stays apart."""
    rows: list[_Row] = []
    for line in sorted(lines, key=lambda line: (-line.base, line.left)):
        if rows and _fits(rows[-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _fits(row: _Row, line: Line) -> bool:
    sizes = row[0].size, line.size
    raised = max(sizes) > _NOTE * min(sizes)
    if row[0].base - line.base > (_RAISED if raised else _SAME_BASE) * max(sizes):
        return False
    # Cells of one line may stand on either side of another line.
    cells = [cell for one in row for cell in one.cells]
    return not any(_covers(cell, other) for cell in cells for other in line.cells)


def _covers(cell: Cell, other: Cell) -> bool:
    common = min(cell.right, other.right) - max(cell.left, other.left)
    return common > 0.3 * min(cell.right - cell.left, other.right - other.left)


def _merged(row: _Row) -> Line:
    if len(row) == 1:
        return row[0]
    cells = tuple(sorted((c for line in row for c in line.cells), key=lambda c: (c.left, c.right)))
    largest = max(row, key=lambda line: (line.size, len(line.text)))
    return Line(cells, largest.size, largest.base, all(line.bold for line in row))


def _may_have_columns(lines: list[Line]) -> bool:
    """Whether enough runs of words begin on the left and further right: a cheap first look."""
    if len(lines) < _FEWEST_LINES:
        return False
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    width = right - left
    long = [
        cell
        for line in lines
        for cell in line.cells
        if len(cell.text) >= _LENGTH and cell.right - cell.left < 0.7 * width
    ]
    begun = sum(1 for cell in long if cell.left < left + 0.3 * width)
    return begun >= _FEWEST_LINES and len(long) - begun >= _FEWEST_LINES


def _parted(rows: list[_Row], *, nested: bool = True) -> tuple[list[Line], ...] | None:
    """What comes before two columns, the columns, and what comes after them; None without any.

    Each of the two may, where `nested`, be made of columns itself.
    """
    bands = {(start, end): middle for start, end, middle in _bands(rows)}
    for start, end in sorted(bands, key=lambda band: band[0] - band[1])[:_MOST_BANDS]:
        sides = _sides(rows[start:end], bands[start, end])
        if all(_is_prose(side, nested=nested) for side in sides) and not _in_step(*sides):
            before = [line for row in rows[:start] for line in row]
            after = [line for row in rows[end:] for line in row]
            return before, *sides, after
    return None


def _bands(rows: list[_Row]) -> Iterator[tuple[int, int, float]]:
    """Runs of rows with a gap in common: the first, the one after the last, the gap's middle."""
    left = min(line.left for row in rows for line in row)
    right = max(line.right for row in rows for line in row)
    margin = _MARGIN * (right - left)
    narrowest = _NARROWEST * median(line.size for row in rows for line in row)
    open_gaps: dict[_Gap, int] = {}
    for number, row in enumerate([*rows, None]):
        gaps = [] if row is None else list(_gaps(row, left + margin, right - margin, narrowest))
        still: dict[_Gap, int] = {}
        for gap, start in open_gaps.items():
            shared = [one for one in (_common(gap, other) for other in gaps) if one]
            kept = [one for one in shared if one[1] - one[0] >= narrowest]
            for one in kept:
                still[one] = min(start, still.get(one, start))
            if gap not in kept and number - start >= _FEWEST_LINES:
                yield start, number, sum(gap) / 2
        for gap in gaps:
            still.setdefault(gap, number)
        oldest = sorted(still, key=lambda gap: still[gap])[:_MOST_GAPS]
        open_gaps = {gap: still[gap] for gap in oldest}


def _common(gap: _Gap, other: _Gap) -> _Gap | None:
    low, high = max(gap[0], other[0]), min(gap[1], other[1])
    return (low, high) if low < high else None


def _gaps(row: _Row, left: float, right: float, narrowest: float) -> Iterator[_Gap]:
    """Where a row has nothing, between `left` and `right`."""
    position = left
    for cell in sorted((c for line in row for c in line.cells), key=lambda c: c.left):
        if min(cell.left, right) - position >= narrowest:
            yield position, min(cell.left, right)
        position = max(position, cell.right)
    if right - position >= narrowest:
        yield position, right


def _sides(rows: Sequence[_Row], middle: float) -> tuple[list[Line], list[Line]]:
    left: list[Line] = []
    right: list[Line] = []
    for line in (line for row in rows for line in row):
        before = tuple(cell for cell in line.cells if cell.right <= middle)
        after = tuple(cell for cell in line.cells if cell.right > middle)
        left += [replace(line, cells=before)] if before else []
        right += [replace(line, cells=after)] if after else []
    return left, right


def _is_prose(lines: list[Line], *, nested: bool) -> bool:
    """Whether lines read on from one to the next, or are again columns of lines that do."""
    if sum(len(cell.text) >= _LENGTH for line in lines for cell in line.cells) < _FEWEST_LINES:
        return False
    found = _rows(lines)
    rows = [joined(_merged(row), _WIDE_GAP) for row in found]
    if len(rows) < _FEWEST_LINES:
        return False
    texts = [row.text for row in rows]
    whole = sum(1 for row in rows if not row.tabular) >= _WHOLE * len(rows)
    width = max(row.right for row in rows) - min(row.left for row in rows)
    filled = median(row.right - row.left for row in rows) >= _FILLED * width
    if whole and filled and median(map(len, texts)) >= _LENGTH:
        letters = sum(sum(map(str.isalpha, text)) for text in texts)
        return letters >= _LETTERS * sum(map(len, texts))
    return nested and _may_have_columns(lines) and _parted(found, nested=False) is not None


def _in_step(left: list[Line], right: list[Line]) -> bool:
    """Whether new blocks begin on both sides at the same heights, as the rows of a table do."""
    ours, theirs = _begun(left), _begun(right)
    most = max(len(ours), len(theirs))
    together = sum(1 for base in ours if any(abs(base - other) < 2 for other in theirs))
    return together >= 2 and together >= 0.6 * most


def _begun(lines: list[Line]) -> list[float]:
    """The baselines of lines with more than the usual space above them."""
    bases = sorted({round(line.base, 1) for line in lines}, reverse=True)
    steps = [above - below for above, below in pairwise(bases)]
    usual = median(steps) if steps else 0.0
    return [bases[n + 1] for n, step in enumerate(steps) if step > _BREAK * usual]
