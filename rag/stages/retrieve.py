"""The stage that finds passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

from rag.protocols import Fuser, Retriever, View
from rag.ranked import FoundHits, as_rows
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
        return replace(ranking, hits=tuple(_with_arms(fused, arms, most))), len(fused)


def _with_arms(fused: FoundHits, arms: Sequence[FoundHits], most: int | None) -> Iterator[Hit]:
    """`most` hits of `fused` with what each of `arms` said of them, in the order of the arms."""
    first, *rest = as_rows([fused.pairs[:most], *(arm.pairs for arm in arms)])
    rows = first.rows.tolist()
    places = [one.positions(rows) for one in rest]
    for hit, row in zip(fused[:most], rows, strict=True):
        said = {
            arm.name: StageScore(at + 1, float(one.scores[at]))
            for arm, one, known in zip(arms, rest, places, strict=True)
            if (at := known.get(row)) is not None
        }
        # Some hundred times a query: every argument that is left out costs a call.
        yield Hit(hit.passage, hit.score, MappingProxyType(said | dict(hit.stages)), ())
