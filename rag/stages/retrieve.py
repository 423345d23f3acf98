"""The stage that finds passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

from rag.found import FoundHits, marks
from rag.protocols import Fuser, Retriever, View
from rag.types import Hit, Ranking, StageScore


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
        return self.first(ranking, view, None)[0]

    def first(self, ranking: Ranking, view: View, most: int | None) -> tuple[Ranking, int]:
        """The first hits of the same ranking, `most` of them or all, and how many there are."""
        # Each hit with what its own arm said: a fuser tells arms apart by it.
        arms = [FoundHits(name, arm.retrieve(ranking.query, view)) for name, arm in self.arms]
        if self.fuser is None:
            return replace(ranking, hits=tuple(arms[0][:most])), len(arms[0])
        name, fuser = self.fuser
        fused = FoundHits(name, fuser.fuse(arms))
        hits = _with_arms(fused[:most], arms)
        return replace(ranking, hits=tuple(hits)), len(fused)


def _with_arms(hits: Sequence[Hit], arms: Sequence[FoundHits]) -> list[Hit]:
    """`hits` with what each of `arms` said of them, in the order of the arms."""
    passages = [hit.passage for hit in hits]
    found = iter(marks([*passages, *(passage for arm in arms for passage, _ in arm.pairs)]))
    own = [next(found) for _ in passages]
    ranks = [{next(found): at for at in range(len(arm.pairs))} for arm in arms]
    made = []
    for hit, mark in zip(hits, own, strict=True):
        said = {
            arm.name: StageScore(at + 1, arm.pairs[at][1])
            for arm, places in zip(arms, ranks, strict=True)
            if (at := places.get(mark)) is not None
        }
        # Some hundred times a query: every argument that is left out costs a call.
        made.append(Hit(hit.passage, hit.score, MappingProxyType(said | dict(hit.stages)), ()))
    return made
