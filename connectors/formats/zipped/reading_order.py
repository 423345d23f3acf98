"""The order in which a person reads boxes on a slide, where their own order is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST = 200  # boxes; a slide with more is a drawing, and stays as it is


@dataclass(frozen=True, slots=True)
class Box:
    """A place on a slide, in any unit; `bottom` and `right` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """Something with its place, None where that is not known."""

    what: T
    box: Box | None


def in_reading_order(placed: Sequence[Placed[T]]) -> list[T]:
    """As given where nothing stands above what comes before it; else by columns, then down."""
    known = [(one.box, one.what) for one in placed if one.box is not None]
    if len(known) < len(placed) or len(known) > _MOST or not _is_poor([box for box, _ in known]):
        return [one.what for one in placed]
    return [what for _, what in _cut(known)]


def _is_poor(boxes: Sequence[Box]) -> bool:
    """Whether a box stands wholly above one that comes before it, in the same column."""
    return any(
        later.bottom <= box.top and later.left < box.right and box.left < later.right
        for place, box in enumerate(boxes)
        for later in boxes[place + 1 :]
    )


def _cut(boxes: list[tuple[Box, T]]) -> list[tuple[Box, T]]:
    """Part boxes where a straight line passes between them, upright first (XY-cut)."""
    parts = _parted(boxes, _across)
    if len(parts) == 1:
        parts = _bands(_parted(boxes, _down))
    if len(parts) == 1:
        return sorted(boxes, key=lambda one: (one[0].top, one[0].left))
    return [one for part in parts for one in _cut(part)]


def _bands(rows: list[list[tuple[Box, T]]]) -> list[list[tuple[Box, T]]]:
    """Rows one below the other, those that stand in the same columns taken together."""
    bands: list[list[tuple[Box, T]]] = []
    for row in rows:
        if bands and len(_parted(bands[-1] + row, _across)) > 1:
            bands[-1] += row
        else:
            bands.append(row)
    return bands


def _across(box: Box) -> tuple[int, int]:
    return box.left, box.right


def _down(box: Box) -> tuple[int, int]:
    return box.top, box.bottom


def _parted(
    boxes: list[tuple[Box, T]], way: Callable[[Box], tuple[int, int]]
) -> list[list[tuple[Box, T]]]:
    parts: list[list[tuple[Box, T]]] = []
    reach: int | None = None
    for one in sorted(boxes, key=lambda one: way(one[0])):
        start, end = way(one[0])
        if reach is None or start >= reach:
            parts.append([])
        parts[-1].append(one)
        reach = end if reach is None else max(reach, end)
    return parts
