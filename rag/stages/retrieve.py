"""The stage that finds passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, TypeAlias

from rag.protocols import Fuser, Retriever, View
from rag.types import Hit, Passage, Ranking, StageScore

# What stages said of passages, by `Passage.order`, which costs less than their ids.
Told: TypeAlias = dict[tuple[str, int, int], dict[str, StageScore]]


@dataclass(frozen=True, slots=True)
class RetrieveStage:
    """Asks each arm, and fuses where there are several."""

    key: ClassVar[str] = "retrieve"
    arms: Sequence[tuple[str, Retriever]]
    fuser: tuple[str, Fuser] | None

    @property
    def uses(self) -> tuple[str, ...]:
        """The arms, and the fuser."""
        fuser = () if self.fuser is None else (self.fuser[0],)
        return (*(name for name, _ in self.arms), *fuser)

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """A ranking of what the arms found."""
        found = [(name, arm.retrieve(ranking.query, view)) for name, arm in self.arms]
        # Each hit with what its own arm said: a fuser tells arms apart by it.
        arms = [_hits(name, pairs, {}) for name, pairs in found]
        if self.fuser is None:
            return replace(ranking, hits=tuple(arms[0]))
        name, fuser = self.fuser
        return replace(ranking, hits=tuple(_hits(name, fuser.fuse(arms), _together(arms))))


def _together(arms: Sequence[Sequence[Hit]]) -> Told:
    """What all of `arms` said of each passage."""
    told: Told = {}
    for arm in arms:
        for hit in arm:
            told.setdefault(hit.passage.order, {}).update(hit.stages)
    return told


def _hits(name: str, found: Sequence[tuple[Passage, float]], told: Told) -> list[Hit]:
    """Hits of what stage `name` found, with all that `told` has of them; it learns of `name`."""
    hits = []
    for rank, (passage, score) in enumerate(found, 1):
        stages = told.setdefault(passage.order, {})
        stages[name] = StageScore(rank, score)
        # Some hundred times a query: every argument that is left out costs a call.
        hits.append(Hit(passage, score, MappingProxyType(stages), ()))
    return hits
