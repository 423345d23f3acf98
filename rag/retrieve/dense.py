"""The dense arm: nearest passages to the question's vector (DPR, Karpukhin et al. 2020)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rag.arms import vector_of, vectors_of
from rag.protocols import Ranked, View
from rag.ranked import as_rows, reciprocal, summed
from rag.types import Query

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

    def retrieve(self, query: Query, view: View) -> Ranked:
        """The best passages with their scores."""
        if self.variants == "mean":
            return view.dense(vector_of(query, view), self.k, query.filters)
        vectors, weights = vectors_of(query, view)
        lists = [view.dense(vector, self.k, query.filters) for vector in vectors]
        if len(lists) == 1:
            return lists[0]
        ranked = zip(as_rows(lists), weights.tolist(), strict=True)
        return summed([reciprocal(one, weight, _RRF_K) for one, weight in ranked])[: self.k]
