"""From the lines of a printed page to headings, paragraphs and tables, by where they stand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

_BULLETS = "-*+•‣◦▪\u2013\u2014\uf0b7"  # the last as Word's symbol font has it
_LIST_ITEM = re.compile(rf"(?:[{re.escape(_BULLETS)}]|\(?(?:\d{{1,3}}|[a-zA-Z])[.)])\s+\S")
_HYPHENATED = re.compile(r"[^\W\d_]-$")
_HEADING_RATIO = 1.15
_HEADING_LENGTH = 200
_LEADING_RATIO = 1.3
_LOOSEST = 3.0  # times the type's size: beyond it lies another part of the page
_COLUMN_STEP = 18.0  # points: a quarter of an inch, so that an indented line keeps its column
_AVERAGE_WIDTH = 0.5  # of a letter, as a share of the type's size


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and the size of its type.

    In points from the page's lower left corner: its left and right edge, and the baselines
    of its first and last character.
    """

    text: str
    size: float
    left: float
    right: float
    top: float
    bottom: float
    tabular: bool = False

    @property
    def sparse(self) -> bool:
        """Whether it is much wider than its letters: a row of a table, with gaps."""
        return self.right - self.left > 1.25 * _width(self.text, self.size) + 2 * self.size


@dataclass(frozen=True, slots=True)
class Region:
    """Lines that belong together, with the text they make; `right` is their column's edge."""

    lines: tuple[Line, ...]
    right: float

    @property
    def size(self) -> float:
        """The size of its type in points."""
        return self.lines[0].size

    @property
    def tabular(self) -> bool:
        """Whether it is rows of a table."""
        return self.lines[0].tabular

    @property
    def may_head(self) -> bool:
        """Whether it could be a heading by its words: short, no bullet, no part of a sentence."""
        text = self.text
        short = len(text) <= _HEADING_LENGTH and any(map(str.isalpha, text))
        return short and not (self.tabular or text[0] in _BULLETS or text[-1] in ";,")

    @property
    def text(self) -> str:
        """Its lines; those that were only wrapped are joined, hyphenated words mended."""
        parts = [self.lines[0].text]
        for above, line in pairwise(self.lines):
            if not _wraps(above, line, self.right):
                parts.append("\n" + line.text)
            elif _HYPHENATED.search(above.text) and line.text[0].islower():
                parts[-1] = parts[-1][:-1]
                parts.append(line.text)
            else:
                parts.append(" " + line.text)
        return "".join(parts)


def is_list(text: str) -> bool:
    """Whether `text` begins as an item of a list does."""
    return _LIST_ITEM.match(text) is not None


def body_size(lines: Iterable[Line]) -> float:
    """The size of type that most characters have; 0.0 without lines."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return max(sizes, key=lambda size: (sizes[size], -size), default=0.0)


def heading_levels(lines: Iterable[Line], body: float) -> dict[float, int]:
    """The level of heading, from 1, for each size of type clearly above the body's."""
    larger = {line.size for line in lines if line.size > _HEADING_RATIO * body}
    return {size: level for level, size in enumerate(sorted(larger, reverse=True), start=1)}


def regions(lines: list[Line]) -> Iterator[Region]:
    """The regions of a page: same size of type, even leading, rows apart from prose."""
    leading = _leading(lines)
    edges = _column_edges(lines)
    gathered: list[Line] = []
    for line in lines:
        if gathered and not _continues(gathered[-1], line, leading):
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


def _leading(lines: list[Line]) -> float:
    """The usual distance between two baselines, as a multiple of the type's size."""
    ratios = [
        (above.bottom - line.top) / line.size
        for above, line in pairwise(lines)
        if above.size == line.size and 0 < above.bottom - line.top < 2 * line.size
    ]
    return median(ratios) if ratios else 1.2


def _continues(above: Line, line: Line, leading: float) -> bool:
    if above.size != line.size or above.tabular != line.tabular:
        return False
    gap = (above.bottom - line.top) / line.size
    if gap <= 0:  # the next column: a sentence may go on there
        return line.text[0].islower() and not line.tabular
    return gap <= (_LOOSEST if line.tabular else _LEADING_RATIO * leading)


def _wraps(above: Line, line: Line, right: float) -> bool:
    """Whether `line` was begun only because its first word no longer fitted above."""
    if above.tabular or line.tabular or is_list(line.text):
        return False
    if above.bottom <= line.top:
        return True
    first = line.text.split(" ", 1)[0]
    return above.right + _width(" " + first, line.size) > right


def _width(text: str, size: float) -> float:
    return _AVERAGE_WIDTH * size * len(text)
