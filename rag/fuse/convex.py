"""Convex combination of normalised scores (Bruch, Gai and Ingber 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from rag.fuse.order import Scores, weights_for
from rag.types import Hit, Passage

# Chosen on SciFact's train questions: benchmarks/fusion.py, docs/decisions/fusion.md.
DEFAULT_ALPHA = 0.5


class ConvexFuser:
    """Score of a passage: the weighted sum of its normalised scores in the arms.

    With two arms, `alpha` is the weight of the second and 1 - alpha that of the first; with
    more, `weights` has one for each. A passage that an arm did not find gets that arm's lowest.
    """

    def __init__(
        self,
        *,
        alpha: Annotated[float, Field(ge=0, le=1)] | None = None,
        weights: list[float] | None = None,
        normalise: Literal["min-max", "z-score"] = "min-max",
    ) -> None:
        self.alpha = alpha
        self.weights = weights
        self.normalise = normalise

    @classmethod
    def faults(cls, options: Mapping[str, object]) -> list[tuple[str, str]]:
        """`alpha` and `weights` say the same thing."""
        if options.get("alpha") is not None and options.get("weights") is not None:
            return [("alpha", "give either alpha or weights, not both")]
        return []

    def fuse(self, arms: Sequence[Sequence[Hit]]) -> list[tuple[Passage, float]]:
        """Every passage of any arm, best first."""
        scores = Scores()
        for arm, weight in zip(arms, self._weights(arms), strict=True):
            lowest, normal = self._normal([hit.score for hit in arm])
            for hit, value in zip(arm, normal, strict=True):
                # Counted from the arm's lowest, so that not being found adds nothing.
                scores.add(hit.passage, weight * (value - lowest))
        return scores.ranked()

    def _weights(self, arms: Sequence[Sequence[Hit]]) -> Sequence[float]:
        if self.weights is None and len(arms) == 2:
            alpha = DEFAULT_ALPHA if self.alpha is None else self.alpha
            return [1 - alpha, alpha]
        return weights_for(arms, self.weights)

    def _normal(self, scores: Sequence[float]) -> tuple[float, list[float]]:
        """The lowest normalised score, and all of them."""
        if not scores:
            return 0.0, []
        values = np.array(scores, np.float64)
        if self.normalise == "z-score":
            spread = float(values.std())
            normal = (values - values.mean()) / spread if spread else np.ones(len(values))
        else:
            spread = float(np.ptp(values))
            normal = (values - values.min()) / spread if spread else np.ones(len(values))
        lowest = float(normal.min()) if spread else 0.0
        return lowest, normal.tolist()
