"""Units packed into runs, each as long as may be: what every chunker here does with its units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from rag.chunk.units import Unit

Groups: TypeAlias = list[list[Unit]]


def by_page(before: Unit, after: Unit) -> bool:
    """Whether a page ends between two units: no passage spans two, so that citations are right."""
    return before.page != after.page


@dataclass(frozen=True, slots=True)
class Packing:
    """Packs groups of units that stay together into runs.

    `room(start)` is how many tokens a run that starts there may have. Where `apart(before,
    after)` holds a new run begins, and repeats nothing. `tail(run, room)` is what the next run
    repeats of a full one, at most `room` tokens of it. A run has at most `most_groups`.
    """

    room: Callable[[int], int]
    apart: Callable[[Unit, Unit], bool] = by_page
    tail: Callable[[Groups, int], Groups] | None = None
    most_groups: int | None = None

    def runs(self, groups: Iterable[list[Unit]]) -> Iterator[list[Unit]]:
        """The runs, in order; together with what they repeat they hold every unit."""
        run: Groups = []
        size = room = 0
        for group in groups:
            needed = total(group)
            parted = bool(run) and self.apart(run[-1][-1], group[0])
            if run and (parted or size + needed > room or len(run) == self.most_groups):
                yield flat(run)
                run = [] if parted or self.tail is None else self.tail(run, room - needed)
                size = total(flat(run))
            first = not run
            run.append(group)
            size += needed
            if first or size == needed:
                room = self.room(run[0][0].start)
        if run:
            yield flat(run)


def flat(groups: Iterable[list[Unit]]) -> list[Unit]:
    """The units of several groups."""
    return list(chain.from_iterable(groups))


def total(units: Sequence[Unit]) -> int:
    """Tokens of several units."""
    return sum(unit.tokens for unit in units)
