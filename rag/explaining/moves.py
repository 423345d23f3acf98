"""Where each stage put a passage, and by how much it moved it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from rag.types import Hit, Ranking, Step

Places: TypeAlias = Mapping[str, tuple[int, Hit]]
"""By a passage's id its rank, and the hit that it is or was merged into."""


@dataclass(frozen=True, slots=True)
class Move:
    """What component `name` of a stage did with a passage: its rank after it, from 1.

    `rank` is None where the stage left it out. `moved` counts ranks upward from the one before;
    a fuser's is counted from the best rank that an arm gave. `score` is the component's own.
    """

    stage: str
    name: str
    rank: int | None
    moved: int | None = None
    score: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def places_of(ranking: Ranking) -> Places:
    """Where each passage of a ranking stands; a merged one stands where its best one does."""
    places: dict[str, tuple[int, Hit]] = {}
    for rank, hit in enumerate(ranking.hits, 1):
        for passage in hit.found or (hit.passage,):
            places[passage.id] = rank, hit
    return places


def moves_of(passage_id: str, steps: Sequence[Ranking], places: Sequence[Places]) -> list[Move]:
    """The way of a passage through `steps`, until it is left out; [] where it was never there."""
    way: list[Move] = []
    rank: int | None = None
    for ranking, found in zip(steps, places, strict=True):
        step = ranking.steps[-1]
        if passage_id not in found:
            if rank is not None:
                return [*way, Move(step.stage, next(iter(step.uses), step.stage), None)]
            continue
        now, hit = found[passage_id]
        way += _moves(step, hit, rank, now)
        rank = now
    return way


def _moves(step: Step, hit: Hit, before: int | None, now: int) -> Iterator[Move]:
    """What one stage did with a passage that is still there after it."""
    if before is None:
        yield from _retrieved(step, hit, now)
        return
    moved = before - now
    name = next(iter(step.uses), step.stage)
    own = hit.stages.get(name)
    if own is not None or moved:
        yield Move(step.stage, name, now, moved, None if own is None else own.score)


def _retrieved(step: Step, hit: Hit, now: int) -> Iterator[Move]:
    found = [(name, hit.stages[name]) for name in step.uses if name in hit.stages]
    arms = found if len(step.uses) == 1 else found[:-1]
    for name, one in arms:
        yield Move(step.stage, name, one.rank, score=one.score)
    if len(step.uses) > 1:
        name, one = found[-1]
        yield Move(step.stage, name, now, min(arm.rank for _, arm in arms) - now, one.score)
