"""Running heads and feet: lines that come again at the edge of page after page."""

from __future__ import annotations

import re
from collections import Counter

from rag.connectors.formats.layout import Line, body_size

_DIGITS = re.compile(r"\d+")
_EDGE = 2  # lines at the top and at the bottom
_SHARE = 0.6
_FEWEST_PAGES = 3
_LARGEST = 1.15  # times the body's type: larger lines head chapters


def without_running_lines(pages: list[list[Line]]) -> list[list[Line]]:
    """`pages` less the lines that recur, numbers aside, at the edge of 60 % of three or more."""
    printed = sum(1 for lines in pages if lines)
    if printed < _FEWEST_PAGES:
        return pages
    largest = _LARGEST * body_size(line for lines in pages for line in lines)
    counts: Counter[str] = Counter()
    for lines in pages:
        counts.update({_masked(lines[index]) for index in _edges(lines, largest)})
    running = {text for text, count in counts.items() if count >= _SHARE * printed}
    return [_without(lines, running, largest) for lines in pages]


def _edges(lines: list[Line], largest: float) -> list[int]:
    last = len(lines) - 1
    near = {*range(min(_EDGE, len(lines))), *range(max(len(lines) - _EDGE, 0), len(lines))}
    # A row next to a running line ends or begins a table; at the very edge it is one itself.
    ends = {index for index in near if index in {0, last} or not lines[index].tabular}
    # Rows of a long table differ in their numbers alone, but they do so all down the page.
    inside = {_masked(line) for index, line in enumerate(lines) if index not in ends}
    return [
        index
        for index in sorted(ends)
        if lines[index].size <= largest and _masked(lines[index]) not in inside
    ]


def _without(lines: list[Line], running: set[str], largest: float) -> list[Line]:
    gone = {index for index in _edges(lines, largest) if _masked(lines[index]) in running}
    return [line for index, line in enumerate(lines) if index not in gone]


def _masked(line: Line) -> str:
    return _DIGITS.sub("#", line.text.casefold())
