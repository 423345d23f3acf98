"""Maximal marginal relevance (Carbonell and Goldstein 1998)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from rag.protocols import Scores, Vectors, View
from rag.types import Hit, Query


class MmrSelector:
    """Orders the first `top` hits so that each is relevant and unlike those before it.

    The next hit is the one with the greatest
    `relevance * score - (1 - relevance) * likeness`: its score scaled to 0..1 among the first
    `top`, and the greatest cosine of its vector with those of the hits chosen before it. With
    `relevance` 1 the order is that of the scores. Hits keep their scores, those after the first
    `top` also their places; hits that tie stay as they were.
    """

    needs: ClassVar[str] = "encode"
    compares: ClassVar[bool] = True

    def __init__(
        self,
        *,
        relevance: Annotated[float, Field(ge=0, le=1)] = 0.7,
        top: Annotated[int, Field(ge=1)] = 50,
    ) -> None:
        self.relevance = relevance
        self.top = top

    def select(self, query: Query, hits: Sequence[Hit], view: View) -> Sequence[Hit]:
        """All of `hits`. Raises IndexMismatchError where the index has no vectors."""
        head = sorted(hits[: self.top], key=lambda hit: -hit.score)
        if len(head) > 1:
            # Of what a passage grew to there is no vector: that of the best one found counts.
            vectors = view.vectors([(hit.found or (hit.passage,))[0] for hit in head])
            scores = _scaled(np.array([hit.score for hit in head], np.float64))
            head = [head[place] for place in _ordered(scores, vectors, self.relevance)]
        return [*head, *hits[self.top :]]


def _scaled(scores: Scores) -> Scores:
    """Between 0 and 1, and 1 where all are the same."""
    low, spread = scores.min(), np.ptp(scores)
    scaled: Scores = (scores - low) / spread if spread else np.ones_like(scores)
    return scaled


def _ordered(scores: Scores, vectors: Vectors, relevance: float) -> list[int]:
    """Places of the hits in the order in which they are chosen."""
    likeness = (1 - relevance) * (vectors @ vectors.T).astype(np.float64)
    worth = relevance * scores
    nearest = np.full(len(scores), -np.inf)
    order = [int(worth.argmax())]
    worth[order[0]] = -np.inf
    while len(order) < len(scores):
        np.maximum(nearest, likeness[order[-1]], out=nearest)
        # The first of equals is the one that stood before.
        order.append(int((worth - nearest).argmax()))
        worth[order[-1]] = -np.inf
    return order
