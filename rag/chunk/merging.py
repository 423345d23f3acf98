"""Short runs merged with their neighbours: siblings before cousins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.chunk.packing import total
from rag.chunk.units import Unit


@dataclass(frozen=True, slots=True)
class Run:
    """Units that make one passage, their tokens, and the path of headings that all share."""

    units: tuple[Unit, ...]
    tokens: int
    path: tuple[str, ...]

    @property
    def page(self) -> int | None:
        """The page that the units stand on."""
        return self.units[0].page


def as_run(units: Sequence[Unit]) -> Run:
    """A run of units that stand under the same headings as the last of them."""
    return Run(tuple(units), total(units), units[-1].path)


def merged(
    runs: Sequence[Run], least: int, fits: Callable[[int, int], bool], room: Callable[[int], int]
) -> list[Run]:
    """`runs` with those under `least` tokens merged into neighbours on their page.

    The neighbours that share the longest path of headings are merged first; `fits(start, end)`
    says whether they are short enough together.
    """
    found = list(runs)
    for depth in range(max((len(run.path) for run in found), default=0), -1, -1):
        found = list(_merged_at(found, depth, least, fits, room))
    return found


def _merged_at(
    runs: Sequence[Run],
    depth: int,
    least: int,
    fits: Callable[[int, int], bool],
    room: Callable[[int], int],
) -> Iterator[Run]:
    """One pass from left to right over neighbours that share `depth` headings or more."""
    last: Run | None = None
    for run in runs:
        if last is None:
            last = run
            continue
        path = _shared(last.path, run.path)
        start, size = last.units[0].start, last.tokens + run.tokens
        is_small = min(last.tokens, run.tokens) < least
        if (
            is_small
            and last.page == run.page
            and len(path) >= depth
            and size <= room(start)
            and fits(start, run.units[-1].end)
        ):
            last = Run((*last.units, *run.units), size, path)
        else:
            yield last
            last = run
    if last is not None:
        yield last


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return one[:count]
