"""The stage that scores the first hits again."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rag.errors import ChatError, ModelError
from rag.found import read_hits
from rag.protocols import Reranker, View
from rag.stages.stage import noted
from rag.tracing import note
from rag.types import Passage, Ranking


@dataclass(frozen=True, slots=True)
class EarlyExit:
    """Stop scoring when a block of `patience` hits brought none into the `best`."""

    best: int
    patience: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores to probabilities by a logistic curve (Platt 1999)."""

    slope: float
    intercept: float

    def __call__(self, score: float) -> float:
        """The probability that a score stands for."""
        # Beyond this the curve is flat, and the exponential overflows.
        return 1 / (1 + math.exp(-max(-500.0, min(500.0, self.slope * score + self.intercept))))


@dataclass(frozen=True, slots=True)
class RerankStage:
    """Puts the first `top` hits in the reranker's order; the tail keeps its own.

    With `weight` below 1 the order is that of a weighted sum of the reranker's scores and those
    that the hits had, both scaled to 0..1 among the hits that were scored. Hits that tie stay as
    they were. A `probability` changes no order: the reranker's scores are told as probabilities,
    and with `weight` 1 they are the hits' scores. A reranker whose chat model fails leaves all
    hits where they were.
    """

    key: ClassVar[str] = "rerank"
    name: str
    reranker: Reranker
    top: int
    weight: float = 1.0
    early_exit: EarlyExit | None = None
    probability: Calibration | None = None

    @property
    def uses(self) -> tuple[str, ...]:
        """The reranker."""
        return (self.name,)

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` reordered."""
        head = ranking.hits[: self.top]
        read_hits(head)
        try:
            scores = self._scores(ranking.query.asked, [hit.passage for hit in head])
        except ChatError as error:
            warnings.warn(f"reranker '{self.name}' failed: {error}", stacklevel=2)
            note(f"failed, the hits stay in their order: {error}", failed=True)
            return ranking
        scored = head[: len(scores)]
        ranked = {place: rank for rank, place in enumerate(_descending(scores), 1)}
        told = scores if self.probability is None else [self.probability(one) for one in scores]
        sums = _blended([hit.score for hit in scored], scores, self.weight)
        final = told if self.weight == 1 else sums
        moved = [
            noted(scored[place], self.name, ranked[place], told[place], final[place])
            for place in _descending(sums)
        ]
        return replace(ranking, hits=(*moved, *ranking.hits[len(scored) :]))

    def _scores(self, asked: str, passages: Sequence[Passage]) -> list[float]:
        """Scores of `passages`, or of the first of them where the rest is not worth the time."""
        scores: list[float] = []
        for start, end in self._blocks(len(passages)):
            block = self.reranker.score(asked, passages[start:end])
            given = [
                self._checked(float(one), passage)
                for passage, one in zip(passages[start:end], block, strict=True)
            ]
            best = self._worst_of_best(scores)
            scores += given
            if best is not None and all(one <= best for one in given) and end < len(passages):
                note(f"stopped after {end} of {len(passages)} hits: the best ones stayed")
                break
        return scores

    def _checked(self, score: float, passage: Passage) -> float:
        """`score`, which has a place among others. Raises ModelError where it has none."""
        if not math.isfinite(score):
            raise ModelError(
                f"reranker '{self.name}' scored passage '{passage.id}' as {score}, which is no "
                "place among others: take another model, or 'dtype: float32'"
            )
        return score

    def _blocks(self, size: int) -> Iterator[tuple[int, int]]:
        if self.early_exit is None or size <= self.early_exit.best:
            yield 0, size
            return
        yield 0, self.early_exit.best
        for start in range(self.early_exit.best, size, self.early_exit.patience):
            yield start, min(start + self.early_exit.patience, size)

    def _worst_of_best(self, scores: Sequence[float]) -> float | None:
        if self.early_exit is None or len(scores) < self.early_exit.best:
            return None
        return sorted(scores, reverse=True)[self.early_exit.best - 1]


def _descending(scores: Sequence[float]) -> list[int]:
    """Positions, best first; those that tie stay as they were."""
    return sorted(range(len(scores)), key=lambda place: -scores[place])


def _blended(before: Sequence[float], scores: Sequence[float], weight: float) -> list[float]:
    if weight == 1:
        return list(scores)
    pairs = zip(_scaled(before), _scaled(scores), strict=True)
    return [(1 - weight) * old + weight * new for old, new in pairs]


def _scaled(scores: Sequence[float]) -> list[float]:
    """Between 0 and 1, and 1 where all are the same."""
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [(one - low) / (high - low) if high > low else 1.0 for one in scores]
