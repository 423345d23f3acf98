"""Scores made probabilities, and how far probabilities are from what is the case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rag.errors import RequestError
from rag.protocols import Scores

_BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """How good probabilities are, 0 being perfect in both.

    `brier` is the mean squared difference from what is the case (Brier 1950). `error` is the
    expected calibration error (Naeini, Cooper and Hauskrecht 2015): by how much the mean
    probability and the share that is relevant differ, over ten bins of equal width.
    """

    brier: float
    error: float


def platt(scores: Scores, relevant: Scores) -> tuple[float, float]:
    """Slope and intercept of the logistic curve from `scores` to probabilities.

    `scores` is `(n,)`, and `relevant` has 1 or 0 for each. Platt (1999), "Probabilistic Outputs
    for Support Vector Machines": the likeliest curve, with targets a little within 0 and 1, so
    that a clean separation gives a finite one. Raises RequestError where there is nothing to
    tell apart, or higher scores are no more often relevant.
    """
    from scipy.optimize import minimize

    right = float(relevant.sum())
    wrong = len(relevant) - right
    if not right or not wrong or np.ptp(scores) == 0:
        raise RequestError(_nothing_to_tell(right, wrong))
    centre, spread = float(scores.mean()), float(scores.std())
    targets = np.where(relevant > 0, (right + 1) / (right + 2), 1 / (wrong + 2))
    # Of scores on one scale, so that the search is as easy for logits as for cosines.
    standard = (scores - centre) / spread

    def loss(curve: Scores) -> tuple[float, Scores]:
        logits = curve[0] * standard + curve[1]
        off = _logistic(logits) - targets
        value = float(np.mean(np.logaddexp(0, logits) - targets * logits))
        return value, np.array([np.mean(off * standard), np.mean(off)])

    start = np.array([0.0, np.log((right + 1) / (wrong + 1))])
    steep, height = minimize(loss, start, jac=True, method="BFGS").x
    if steep <= 0:
        raise RequestError(
            "the reranker's scores are not higher for what is relevant: they can be made no "
            "probabilities; try another reranker"
        )
    return float(steep / spread), float(height - steep * centre / spread)


def probabilities(scores: Scores, slope: float, intercept: float) -> Scores:
    """What scores `(n,)` stand for on the curve."""
    return _logistic(slope * scores + intercept)


def reliability(chances: Scores, relevant: Scores) -> Reliability:
    """How good the probabilities `chances` `(n,)` are, where `relevant` has 1 or 0 for each."""
    bins = np.minimum((chances * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(bins, weights=chances - relevant, minlength=_BINS)
    return Reliability(
        brier=float(np.mean((chances - relevant) ** 2)),
        error=float(np.abs(gaps).sum() / len(chances)),
    )


def _logistic(logits: Scores) -> Scores:
    # By the hyperbolic tangent, which does not overflow.
    curve: Scores = (1 + np.tanh(logits / 2)) / 2
    return curve


def _nothing_to_tell(right: float, wrong: float) -> str:
    if not right:
        return (
            "no passage that was reranked is relevant: index what the judgements speak of, or "
            "let the stage see more hits with a higher 'top'"
        )
    if not wrong:
        return "every passage that was reranked is relevant: there is nothing to tell apart"
    return "the reranker gives every passage the same score: there is nothing to tell apart"
