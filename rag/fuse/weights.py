"""Weights of arms, which fusers share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rag.errors import RequestError
from rag.types import Hit

# How far weights that add up to 1 may be from it: 0.33 three times is meant so.
_NEAR = 0.011


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
