"""Running heads and feet: lines that come again at the edge of page after page."""

from __future__ import annotations

import re
from collections import Counter
from typing import TypeAlias

from rag.connectors.formats.printed.layout import Line, body_size

_Key: TypeAlias = tuple[str, int | None]  # what it says, and at which height, if that counts

_NUMBERS = re.compile(r"\d+|^[ivxlc]+$")
_EDGE = 2  # lines at the top and at the bottom
_SHARE = 0.6
# Left and right pages have heads of their own, and chapters too: at one height they are known.
_SHARE_AT_ONE_HEIGHT = 0.25
_FEWEST_PAGES = 3
_LARGEST = 1.15  # times the body's type: larger lines head chapters


def without_running_lines(pages: list[list[Line]]) -> list[list[Line]]:
    """`pages` less the lines that recur, numbers aside, at the edge of many of three or more."""
    printed = sum(1 for lines in pages if lines)
    if printed < _FEWEST_PAGES:
        return pages
    largest = _LARGEST * body_size(line for lines in pages for line in lines)
    edges = [_edges(lines, largest) for lines in pages]
    counts: Counter[_Key] = Counter()
    for keys in edges:
        counts.update({key for found in keys.values() for key in found})
    running = {key for key, count in counts.items() if count >= _needed(key, printed)}
    return [
        [line for index, line in enumerate(lines) if running.isdisjoint(keys.get(index, ()))]
        for lines, keys in zip(pages, edges, strict=True)
    ]


def _needed(key: _Key, printed: int) -> float:
    if key[1] is None:
        return _SHARE * printed
    return max(_FEWEST_PAGES, _SHARE_AT_ONE_HEIGHT * printed)


def _edges(lines: list[Line], largest: float) -> dict[int, tuple[_Key, ...]]:
    """The lines that could be running ones, by index, each with what would come again of it."""
    last = len(lines) - 1
    near = {*range(min(_EDGE, len(lines))), *range(max(len(lines) - _EDGE, 0), len(lines))}
    # A row next to a running line ends or begins a table; at the very edge it is one itself.
    ends = {index for index in near if index in {0, last} or not lines[index].tabular}
    masked = [_masked(line) for line in lines]
    # Rows of a long table differ in their numbers alone, but they do so all down the page.
    inside = {text for index, text in enumerate(masked) if index not in ends}
    return {
        index: _keys(lines[index], masked[index])
        for index in sorted(ends)
        if lines[index].size <= largest and masked[index] not in inside
    }


def _keys(line: Line, masked: str) -> tuple[_Key, ...]:
    """What a line says wherever it stands, and what it says at its height.

    The names of columns come again at one height too, where a table goes on: rows stay.
    """
    return ((masked, None),) if line.tabular else ((masked, None), (masked, round(line.base)))


def _masked(line: Line) -> str:
    return _NUMBERS.sub("#", line.text.casefold())
