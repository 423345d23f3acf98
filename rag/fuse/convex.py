"""Convex combination of normalised scores (Bruch, Gai and Ingber 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from rag.errors import RequestError
from rag.fuse.weights import weight_faults, weights_for
from rag.protocols import Ranked, Scores
from rag.ranked import FoundRows, as_rows, pairs_of, summed
from rag.types import Hit

# Chosen on SciFact's train questions: benchmarks/fusion.py, docs/decisions/fusion.md.
DEFAULT_ALPHA = 0.5
# The least that BM25 gives, and the least cosine.
DEFAULT_FLOORS = (0.0, -1.0)
# What the cosine of unit vectors may be off by.
_ROUNDING = 1e-4


class ConvexFuser:
    """Score of a passage: the weighted sum of its normalised scores in the arms.

    With two arms, `alpha` is the weight of the second and 1 - alpha that of the first; with
    more, `weights` has one for each, which add up to 1. A passage that an arm did not find gets
    that arm's lowest.

    Scores are brought to a common scale: with `min-max` the lowest found is 0 and the highest 1,
    with `z-score` their mean is 0 and their deviation 1. With `theoretical` 0 is the lowest
    score that there could be, so that an arm whose hits all score nearly the same has little to
    say about their order. `floors` has that score for each arm, and is meant for `bm25` and
    `dense`, in this order, where it is left out.
    """

    def __init__(
        self,
        *,
        alpha: Annotated[float, Field(ge=0, le=1)] | None = None,
        weights: list[float] | None = None,
        normalise: Literal["min-max", "theoretical", "z-score"] = "min-max",
        floors: list[float] | None = None,
    ) -> None:
        self.alpha = alpha
        self.weights = weights
        self.normalise = normalise
        self.floors = floors

    @classmethod
    def faults(cls, options: Mapping[str, object]) -> list[tuple[str, str]]:
        """`alpha` and `weights` say the same thing; `floors` are those of `theoretical` alone."""
        found = weight_faults(options.get("weights"), whole=True)
        if options.get("alpha") is not None and options.get("weights") is not None:
            found.append(("alpha", "give either alpha or weights, not both"))
        if options.get("floors") is not None and options.get("normalise") != "theoretical":
            found.append(("floors", "'floors' are for 'normalise: theoretical': leave them out"))
        return found

    def fuse(self, arms: Sequence[Sequence[Hit]]) -> Ranked:
        """Every passage of any arm, best first.

        Raises RequestError where an arm gives a score below its floor.
        """
        found = as_rows([pairs_of(arm) for arm in arms])
        weighted = zip(found, self._weights(arms), self._floors(arms), strict=True)
        return summed([self._weighted(arm, weight, floor) for arm, weight, floor in weighted])

    def _weighted(self, arm: FoundRows, weight: float, floor: float | None) -> FoundRows:
        lowest, normal = self._normal(arm.scores, floor)
        # Counted from the arm's lowest, so that not being found adds nothing.
        return arm.scored(weight * (normal - lowest))

    def _weights(self, arms: Sequence[Sequence[Hit]]) -> Sequence[float]:
        if self.weights is None and len(arms) == 2:
            alpha = DEFAULT_ALPHA if self.alpha is None else self.alpha
            return [1 - alpha, alpha]
        return weights_for(arms, self.weights)

    def _floors(self, arms: Sequence[Sequence[Hit]]) -> Sequence[float | None]:
        if self.normalise != "theoretical":
            return [None] * len(arms)
        floors = DEFAULT_FLOORS if self.floors is None else self.floors
        if len(floors) != len(arms):
            raise RequestError(f"{len(floors)} floors for {len(arms)} arms: give one for each arm")
        return floors

    def _normal(self, values: Scores, floor: float | None) -> tuple[float, Scores]:
        """The lowest normalised score, and all of them."""
        if not len(values):
            return 0.0, values
        least, most = float(values.min()), float(values.max())
        if floor is not None and least < floor - _ROUNDING:
            raise RequestError(f"a score of {least:g} is below the floor {floor:g}: lower 'floors'")
        if self.normalise == "z-score":
            # Sums of floats depend on their order.
            ascending = np.sort(values)
            start, spread = float(ascending.mean()), float(ascending.std())
        else:
            start = least if floor is None else min(floor, least)
            spread = most - start
        if least == most or not spread:
            return 0.0, np.ones(len(values))
        normal = (values - start) / spread
        return float(normal.min()), normal
