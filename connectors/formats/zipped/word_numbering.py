"""The labels that Word counts out: `3.`, `b)`, `4.2`; they are nowhere in the text itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rag.connectors.formats.zipped.flow import BULLET, roman
from rag.connectors.formats.zipped.part import attribute, child, local, number

if TYPE_CHECKING:
    from lxml.etree import _Element

_PLACE = re.compile(r"%([1-9])")
_DEPTHS = 9
_HIGHEST = 100_000
_LONGEST_PATTERN = 60  # characters


@dataclass(frozen=True, slots=True)
class _Level:
    kind: str = "bullet"
    pattern: str = ""
    start: int = 1


@dataclass(slots=True)
class _List:
    levels: dict[int, _Level] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """The lists of one document; labels depend on the items before, so ask in order."""

    def __init__(self, root: _Element | None) -> None:
        parts = [] if root is None else list(root)
        shared = {
            attribute(one, "abstractNumId"): _List(_levels(one))
            for one in parts
            if local(one) == "abstractNum"
        }
        self._lists = {
            attribute(one, "numId"): _instance(one, shared) for one in parts if local(one) == "num"
        }

    def label(self, list_id: str, depth: int) -> str:
        """The label of the next item of a list at a depth; "-" for a bullet."""
        if (found := self._lists.get(list_id)) is None:
            return BULLET
        level = found.levels.get(depth, _Level())
        _count(found, depth)
        if level.kind == "bullet":
            return BULLET
        return _PLACE.sub(lambda match: _shown(found, int(match[1]) - 1), level.pattern).strip()


def _instance(element: _Element, shared: dict[str, _List]) -> _List:
    """A list: it counts on from others of its kind unless it says where to start."""
    named = child(element, "abstractNumId")
    kind = shared.get("" if named is None else attribute(named, "val"), _List())
    overrides = {number(one, "ilvl"): one for one in element if local(one) == "lvlOverride"}
    if not overrides:
        return kind
    levels = dict(kind.levels)
    for depth, one in overrides.items():
        level = _levels(one).get(depth, levels.get(depth, _Level()))
        start = child(one, "startOverride")
        begin = level.start if start is None else number(start, "val", 1)
        levels[depth] = _Level(level.kind, level.pattern, begin)
    return _List(levels)


def _levels(element: _Element) -> dict[int, _Level]:
    return {
        number(one, "ilvl"): _Level(
            _value(one, "numFmt") or "decimal",
            _value(one, "lvlText")[:_LONGEST_PATTERN],
            int(start) if (start := _value(one, "start")).isdecimal() and len(start) < 7 else 1,
        )
        for one in element
        if local(one) == "lvl"
    }


def _value(level: _Element, name: str) -> str:
    found = child(level, name)
    return "" if found is None else attribute(found, "val")


def _count(found: _List, depth: int) -> None:
    start = found.levels.get(depth, _Level()).start
    found.counts[depth] = found.counts.get(depth, start - 1) + 1
    for deeper in range(depth + 1, _DEPTHS):
        found.counts.pop(deeper, None)


def _shown(found: _List, depth: int) -> str:
    level = found.levels.get(depth, _Level())
    count = min(found.counts.get(depth, level.start), _HIGHEST)
    if level.kind in {"lowerRoman", "upperRoman"}:
        figures = roman(count)
    elif level.kind in {"lowerLetter", "upperLetter"}:
        figures = chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, 9)
    else:
        return str(count) if level.kind != "decimalZero" else f"{count:02}"
    return figures.upper() if level.kind.startswith("upper") else figures
