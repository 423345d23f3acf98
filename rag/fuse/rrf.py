"""Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009), weighted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from rag.fuse.weights import weight_faults, weights_for
from rag.protocols import Ranked
from rag.ranked import as_rows, pairs_of, reciprocal, summed
from rag.types import Hit


class RrfFuser:
    """Score of a passage: the sum over arms of `weight / (k + rank)`, rank from 1."""

    def __init__(
        self, *, k: Annotated[int, Field(ge=0)] = 60, weights: list[float] | None = None
    ) -> None:
        self.k = k
        self.weights = weights

    @classmethod
    def faults(cls, options: Mapping[str, object]) -> list[tuple[str, str]]:
        """Weights are 0 or more, and not all of them 0."""
        return weight_faults(options.get("weights"), whole=False)

    def fuse(self, arms: Sequence[Sequence[Hit]]) -> Ranked:
        """Every passage of any arm, best first."""
        weights = weights_for(arms, self.weights)
        found = as_rows([pairs_of(arm) for arm in arms])
        return summed([reciprocal(*one, self.k) for one in zip(found, weights, strict=True)])
