"""What fusers share: weights for arms, and passages in order of their fused scores."""

from __future__ import annotations

from collections.abc import Sequence

from rag.errors import RequestError
from rag.types import Hit, Passage


class Scores:
    """Sums of scores by passage."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, int, int], tuple[Passage, float]] = {}

    def add(self, passage: Passage, score: float) -> None:
        """Add to a passage's score."""
        before = self._sums.get(passage.order)
        self._sums[passage.order] = (passage, score + (before[1] if before else 0.0))

    def ranked(self) -> list[tuple[Passage, float]]:
        """Every passage, best first, ties by passage."""
        return sorted(self._sums.values(), key=lambda pair: (-pair[1], pair[0].order))


def weights_for(arms: Sequence[Sequence[Hit]], weights: Sequence[float] | None) -> Sequence[float]:
    """One weight for each arm: 1 where none are given. Raises RequestError for another number."""
    if weights is None:
        return [1.0] * len(arms)
    if len(weights) != len(arms):
        raise RequestError(f"{len(weights)} weights for {len(arms)} arms: give one for each arm")
    return weights
