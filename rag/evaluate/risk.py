"""Risk and coverage: how often an answerer is wrong, by how many questions it answers.

El-Yaniv and Wiener (2010), "On the Foundations of Noise-free Selective Classification", is the
source of the risk-coverage curve; Geifman, Uziel and El-Yaniv (2019), "Bias-Reduced Uncertainty
Estimation for Deep Neural Classifiers", of the area under it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.evaluate.intervals import Values

Flags: TypeAlias = NDArray[np.bool_]

COVERAGES = tuple(tenth / 10 for tenth in range(1, 11))


@dataclass(frozen=True, slots=True)
class Sample:
    """Questions asked without a threshold; all `(n,)`.

    `scores` are the answers' own; minus infinity stands for a question that is not answered at
    any threshold. `right` says which answers are right, and `answerable` which questions have an
    answer. An answer to a question that has none is never right: ValueError otherwise, and for
    lengths that differ, scores that are no numbers, and no questions at all.
    """

    scores: Values
    right: Flags
    answerable: Flags

    def __post_init__(self) -> None:
        if not len(self.scores) == len(self.right) == len(self.answerable) > 0:
            raise ValueError("scores, right and answerable must be as long as one another, from 1")
        if np.isnan(self.scores).any() or np.isposinf(self.scores).any():
            raise ValueError("a score is neither a number nor minus infinity")
        if np.any(self.right & ~self.answerable):
            raise ValueError("an answer to a question that has none cannot be right")

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the curve: what a threshold makes of the questions.

    `coverage` is the share of all questions that is answered, and `risk` the share of the
    answered that is answered wrongly: 0 where nothing is answered.
    """

    threshold: float
    coverage: float
    risk: float
    answered: int
    wrong: int


def at_threshold(sample: Sample, threshold: float) -> Point:
    """What it comes to when scores of at least `threshold` are answered."""
    answered = (sample.scores >= threshold) & np.isfinite(sample.scores)
    number = int(answered.sum())
    wrong = int((answered & ~sample.right).sum())
    return Point(threshold, number / len(sample), wrong / max(number, 1), number, wrong)


def risk_coverage(sample: Sample) -> tuple[Point, ...]:
    """The curve: a point for every score, the highest first. Equal scores are one point."""
    finite = np.isfinite(sample.scores)
    scores, wrong = sample.scores[finite], ~sample.right[finite]
    thresholds, groups = np.unique(-scores, return_inverse=True)
    answered = np.cumsum(np.bincount(groups, minlength=len(thresholds)))
    mistaken = np.cumsum(np.bincount(groups, weights=wrong, minlength=len(thresholds)))
    return tuple(
        Point(-float(threshold), int(many) / len(sample), int(bad) / int(many), int(many), int(bad))
        for threshold, many, bad in zip(thresholds, answered, mistaken, strict=True)
    )


def at_coverages(
    sample: Sample, coverages: Sequence[float] = COVERAGES
) -> tuple[Point | None, ...]:
    """For each of `coverages` the point of the highest threshold that answers as many questions.

    Equal scores are answered together, so that a point may cover more than was asked for; None
    where no threshold answers so many.
    """
    curve = risk_coverage(sample)
    # What a float makes of a share of whole questions must not ask for one more.
    wanted = [math.ceil(round(share * len(sample), 9)) for share in coverages]
    return tuple(next((p for p in curve if p.answered >= number), None) for number in wanted)


def aurc(sample: Sample) -> float:
    """The area under the curve: the risk, averaged over all coverages that can be reached.

    0 where nothing is answered. Of equal scores each order is as likely as any other: the area
    is the mean over them, so that the order of the questions makes no difference.
    """
    finite = np.isfinite(sample.scores)
    if not finite.any():
        return 0.0
    scores, wrong = sample.scores[finite], (~sample.right[finite]).astype(np.float64)
    _, groups, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
    shares = np.bincount(groups, weights=wrong) / sizes
    risks = np.cumsum(shares[np.sort(groups)]) / np.arange(1, len(scores) + 1)
    return float(np.mean(risks))
