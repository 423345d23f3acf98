"""What fusers share: weights for arms, and passages in order of their fused scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rag.errors import RequestError
from rag.found import pairs_of
from rag.types import Hit, Passage

# How far weights that add up to 1 may be from it: 0.33 three times is meant so.
_NEAR = 0.011


class Scores:
    """Sums of scores by passage."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, int, int], tuple[Passage, list[float]]] = {}

    def add(self, passage: Passage, score: float) -> None:
        """Add to a passage's score."""
        order = passage.order
        known = self._parts.get(order)
        if known is None:
            self._parts[order] = (passage, [score])
        else:
            known[1].append(score)

    def ranked(self) -> list[tuple[Passage, float]]:
        """Every passage, best first, ties by passage."""
        # An exact sum does not depend on the order of the arms.
        summed = [
            (-math.fsum(parts), order, passage) for order, (passage, parts) in self._parts.items()
        ]
        # No two have the same order, so that passages are not compared.
        summed.sort()
        return [(passage, -score) for score, _, passage in summed]


def in_order(arm: Sequence[Hit]) -> list[Hit]:
    """The hits of an arm by their scores, ties by passage, however they are given."""
    return sorted(arm, key=lambda hit: (-hit.score, hit.passage.order))


def pairs_in_order(arm: Sequence[Hit]) -> list[tuple[Passage, float]]:
    """The same as passages with their scores."""
    return sorted(pairs_of(arm), key=lambda pair: (-pair[1], pair[0].order))


def weights_for(arms: Sequence[Sequence[Hit]], weights: Sequence[float] | None) -> Sequence[float]:
    """One weight for each arm: 1 where none are given. Raises RequestError for another number."""
    if weights is None:
        return [1.0] * len(arms)
    if len(weights) != len(arms):
        raise RequestError(f"{len(weights)} weights for {len(arms)} arms: give one for each arm")
    return weights


def weight_faults(weights: object, *, whole: bool) -> list[tuple[str, str]]:
    """What is wrong with the option `weights`; with `whole` they are shares of 1."""
    if not isinstance(weights, list) or not weights:
        return []
    if any(weight < 0 for weight in weights):
        return [("weights", f"'weights' has {min(weights):g}: a weight is 0 or more")]
    total = math.fsum(weights)
    if whole and abs(total - 1) > _NEAR:
        return [("weights", f"'weights' add up to {total:g}, not 1")]
    if not total:
        return [("weights", "'weights' are all 0: nothing would count")]
    return []
