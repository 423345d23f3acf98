"""The dense arm: nearest passages to the question's vector (DPR, Karpukhin et al. 2020)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from rag.errors import IndexMismatchError
from rag.protocols import Encoder, Vectors, View
from rag.types import Passage, Query


class DenseRetriever:
    """The `k` passages nearest to the question.

    With variants or hypotheses the vector is the weighted mean of all, as HyDE has it
    (Gao et al. 2022); hypotheses are encoded as the passages they imitate.
    """

    needs: ClassVar[str] = "encode"

    def __init__(self, *, k: Annotated[int, Field(ge=1, le=10_000)] = 100) -> None:
        self.k = k

    def retrieve(self, query: Query, view: View) -> list[tuple[Passage, float]]:
        """The best passages with their cosines."""
        if view.encoder is None:
            raise IndexMismatchError(
                "this index has no vectors: index with a pipeline that encodes"
            )
        return view.dense(_vector(query, view.encoder), self.k, query.filters)


def _vector(query: Query, encoder: Encoder) -> Vectors:
    questions = [query.text, *(variant.text for variant in query.variants)]
    vectors = encoder.encode_queries(questions)
    if len(questions) == 1 and not query.hypotheses:
        only: Vectors = vectors[0]
        return only
    weights = [1.0, *(variant.weight for variant in query.variants)]
    if query.hypotheses:
        passages = encoder.encode_passages([one.text for one in query.hypotheses])
        vectors = np.concatenate([vectors, passages])
        weights += [one.weight for one in query.hypotheses]
    mean = np.array(weights, np.float32) @ vectors
    return (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
