"""The dense arm: nearest passages to the question's vector (DPR, Karpukhin et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rag.arms import vector_of, vectors_of
from rag.protocols import View
from rag.types import Passage, Query

Found = list[tuple[Passage, float]]

# As in reciprocal rank fusion (Cormack, Clarke and Büttcher 2009).
_RRF_K = 60


class DenseRetriever:
    """The `k` passages nearest to the question.

    A question with variants, hypotheses or examples has several vectors. `variants: mean`
    searches their weighted mean, and scores are cosines. `variants: each` searches every one of
    them and merges what they find by weighted reciprocal ranks, which are then the scores.
    """

    needs: ClassVar[str] = "encode"

    def __init__(
        self,
        *,
        k: Annotated[int, Field(ge=1, le=10_000)] = 100,
        variants: Literal["mean", "each"] = "mean",
    ) -> None:
        self.k = k
        self.variants = variants

    def retrieve(self, query: Query, view: View) -> Found:
        """The best passages with their scores."""
        if self.variants == "mean":
            return view.dense(vector_of(query, view), self.k, query.filters)
        vectors, weights = vectors_of(query, view)
        lists = [view.dense(vector, self.k, query.filters) for vector in vectors]
        return lists[0] if len(lists) == 1 else _merged(lists, weights.tolist())[: self.k]


def _merged(lists: Sequence[Found], weights: Sequence[float]) -> Found:
    """Every passage once, best first, with the sum of `weight / (60 + rank)`."""
    parts: dict[tuple[str, int, int], tuple[Passage, list[float]]] = {}
    for found, weight in zip(lists, weights, strict=True):
        for rank, (passage, _) in enumerate(found, 1):
            parts.setdefault(passage.order, (passage, []))[1].append(weight / (_RRF_K + rank))
    # An exact sum does not depend on the order of the lists.
    summed = [(passage, math.fsum(shares)) for passage, shares in parts.values()]
    return sorted(summed, key=lambda pair: (-pair[1], pair[0].order))
