"""From the lines of a printed page to its regions: headings, paragraphs and tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

SOFT_HYPHEN = "\xad"
BULLETS = "-*+•‣◦▪●○■□\u2013\u2014\uf0b7\uf0a7"  # the last as Word's symbol fonts have them
_LABEL = rf"(?:[{re.escape(BULLETS)}]|\(?(?:\d{{1,3}}|[a-zA-Z]|[ivx]{{1,5}})[.)])"
_LIST_ITEM = re.compile(rf"{_LABEL}\s+\S")
_LABEL_ALONE = re.compile(_LABEL)
_HYPHENATED = re.compile(rf"[^\W\d_](?:-|{SOFT_HYPHEN})$")
_COMPOUND = re.compile(r"\w+(?:-\w+)+")
_LAST_WORD = re.compile(r"\w+$")
_FIRST_WORD = re.compile(r"\w*")
_LEADING_RATIO = 1.3
LOOSEST = 3.0  # times the type's size: beyond it lies another part of the page
_COLUMN_STEP = 18.0  # points: a quarter of an inch, so that an indented line keeps its column
_AVERAGE_WIDTH = 0.5  # of a letter, as a share of the type's size


@dataclass(frozen=True, slots=True)
class Cell:
    """Words without a wide gap between them, and where they begin and end, in points."""

    text: str
    left: float
    right: float

    def with_text(self, text: str) -> Cell:
        """Other words in the same place."""
        return replace(self, text=text)

    def beside(self, other: Cell) -> Cell:
        """This cell and one to its right as one."""
        return Cell(f"{self.text} {other.text}", self.left, max(self.right, other.right))

    def over(self, other: Cell) -> Cell:
        """This cell and one below it as one."""
        left, right = min(self.left, other.left), max(self.right, other.right)
        return Cell(f"{self.text} {other.text}", left, right)

    def overlaps(self, other: Cell) -> bool:
        """Whether one stands above the other, in part at least."""
        return self.left < other.right and other.left < self.right


@dataclass(frozen=True, slots=True)
class Line:
    """What stands on one baseline, from left to right, and the size of its type in points.

    Places are counted from the page's lower left corner. `turned` is a line that is not
    written from left to right, as the page is shown.
    """

    cells: tuple[Cell, ...]
    size: float
    base: float
    bold: bool = False
    turned: bool = False

    @property
    def text(self) -> str:
        """Its words; cells are parted by bars."""
        if len(self.cells) == 1:
            return self.cells[0].text
        return " | ".join(cell.text for cell in self.cells)

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.cells[0].left

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.cells[-1].right

    @property
    def tabular(self) -> bool:
        """Whether it is a row of a table."""
        return len(self.cells) > 1


@dataclass(frozen=True, slots=True)
class Region:
    """Lines that belong together; `right` is their column's edge, `rows` those of a table."""

    lines: tuple[Line, ...]
    right: float
    rows: tuple[str, ...] = ()

    @property
    def tabular(self) -> bool:
        """Whether it is a table."""
        return bool(self.rows)

    def text(self, compounds: Container[str]) -> str:
        """Its lines; those that were only wrapped are joined, hyphenated words mended.

        `compounds` are the words that are written with a hyphen elsewhere: they keep it.
        """
        if self.rows:
            return "\n".join(self.rows)
        text = self.lines[0].text
        for above, line in pairwise(self.lines):
            if not _wraps(above, line, self.right):
                text = f"{text}\n{line.text}"
            elif _HYPHENATED.search(text[-2:]):
                text = _mended(text, line.text, compounds)
            else:
                text = f"{text} {line.text}"
        return text.replace(SOFT_HYPHEN, "-")


def is_list(text: str) -> bool:
    """Whether `text` begins as an item of a list does."""
    return _LIST_ITEM.match(text) is not None


def is_label(text: str) -> bool:
    """Whether `text` is the mark or number of an item of a list, and no more."""
    return _LABEL_ALONE.fullmatch(text) is not None


def body_size(lines: Iterable[Line]) -> float:
    """The size of type that most characters have; 0.0 without lines."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return max(sizes, key=lambda size: (sizes[size], -size), default=0.0)


def compounds(lines: Iterable[Line]) -> frozenset[str]:
    """The words of `lines` that are written with a hyphen within a line."""
    texts = (cell.text.casefold() for line in lines for cell in line.cells if "-" in cell.text)
    return frozenset(word for text in texts for word in _COMPOUND.findall(text))


def leading(lines: list[Line]) -> float:
    """The usual distance between two baselines, as a multiple of the type's size."""
    ratios = [
        (above.base - line.base) / line.size
        for above, line in pairwise(lines)
        if above.size == line.size and 0 < above.base - line.base < 2 * line.size
    ]
    return median(ratios) if ratios else 1.2


def regions(
    lines: list[Line], tables: Iterable[tuple[int, int, tuple[str, ...]]]
) -> Iterator[Region]:
    """The regions of a page: its tables, and between them lines of one type and even leading.

    `tables` are where tables begin and end among `lines`, with their rows.
    """
    usual = leading(lines)
    edges = _column_edges(lines)
    position = 0
    for start, end, rows in tables:
        yield from _prose(lines[position:start], usual, edges)
        yield Region(tuple(lines[start:end]), 0.0, rows)
        position = end
    yield from _prose(lines[position:], usual, edges)


def _prose(lines: list[Line], usual: float, edges: dict[int, float]) -> Iterator[Region]:
    gathered: list[Line] = []
    for line in lines:
        if gathered and not _continues(gathered[-1], line, usual):
            yield _region(gathered, edges)
            gathered = []
        gathered.append(line)
    if gathered:
        yield _region(gathered, edges)


def _region(lines: list[Line], edges: dict[int, float]) -> Region:
    columns = {_column(line) + step for line in lines for step in (-1, 0, 1)}
    right = max(edges[column] for column in columns & edges.keys())
    return Region(tuple(lines), right)


def _column_edges(lines: list[Line]) -> dict[int, float]:
    """How far right the lines reach that begin at about the same place."""
    edges: dict[int, float] = {}
    for line in lines:
        edges[_column(line)] = max(line.right, edges.get(_column(line), line.right))
    return edges


def _column(line: Line) -> int:
    return round(line.left / _COLUMN_STEP)


def _continues(above: Line, line: Line, usual: float) -> bool:
    if above.size != line.size or above.turned or line.turned:
        return False
    goes_on = line.text[0].islower() or above.text.endswith(SOFT_HYPHEN)
    if above.bold != line.bold and not goes_on:
        return False
    gap = (above.base - line.base) / line.size
    if gap <= 0:  # the next column: a sentence may go on there
        return goes_on
    return gap <= _LEADING_RATIO * usual


def _wraps(above: Line, line: Line, right: float) -> bool:
    """Whether `line` was begun only because its first word no longer fitted above."""
    if above.text.endswith(SOFT_HYPHEN):
        return True
    if is_list(line.text):
        return False
    if above.base <= line.base:
        return True
    first = line.text.split(" ", 1)[0]
    return above.right + _width(" " + first, line.size) > right


def _mended(above: str, below: str, known: Container[str]) -> str:
    """Two lines as one, the word that is parted between them in one piece."""
    stem = above[:-1]
    begin, end = _LAST_WORD.search(stem), _FIRST_WORD.match(below)
    word = f"{begin[0] if begin else ''}-{end[0] if end else ''}".casefold()
    return stem + below if below[0].islower() and word not in known else f"{stem}-{below}"


def _width(text: str, size: float) -> float:
    return _AVERAGE_WIDTH * size * len(text)
