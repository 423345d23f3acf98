"""The stage that keeps the first hits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from rag.protocols import View
from rag.types import Ranking


@dataclass(frozen=True, slots=True)
class CutStage:
    """Keeps the first `k` hits."""

    key: ClassVar[str] = "cut"
    k: int

    @property
    def uses(self) -> tuple[str, ...]:
        """None."""
        return ()

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` cut."""
        return replace(ranking, hits=ranking.hits[: self.k])
