"""The stage that chooses and orders hits among themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from rag.protocols import Selector, View
from rag.stages.stage import noted
from rag.types import Ranking


@dataclass(frozen=True, slots=True)
class SelectStage:
    """Chooses and orders hits among themselves. What is chosen keeps its scores."""

    key: ClassVar[str] = "select"
    name: str
    selector: Selector

    @property
    def uses(self) -> tuple[str, ...]:
        """The selector."""
        return (self.name,)

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` with the hits chosen."""
        chosen = self.selector.select(ranking.query, ranking.hits, view)
        moved = [noted(hit, self.name, rank, hit.score) for rank, hit in enumerate(chosen, 1)]
        return replace(ranking, hits=tuple(moved))
