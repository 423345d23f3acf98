"""What a pipeline's answers are worth: how many it gives, how many are right, at which risk."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rag.evaluate.dataset import Dataset
from rag.evaluate.intervals import bootstrap_mean, bootstrap_ratio
from rag.evaluate.risk import COVERAGES, Point, Sample, at_coverages, aurc
from rag.types import Answer


@dataclass(frozen=True, slots=True)
class Judged:
    """One question: what its answer was worth, and what it would be without a threshold.

    `right` tells of each citation whether it is right; it is empty for an abstention. `score` is
    that of the answer without a threshold, minus infinity where there is none even then, and
    `bold` whether that answer is right.
    """

    kind: str
    answerable: bool
    answered: bool
    right: tuple[bool, ...]
    score: float
    bold: bool


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `of` things, with its 95 % bootstrap interval over questions."""

    value: float
    low: float
    high: float
    of: int


Shares = Mapping[str, Share | None]
"""By name; None where there is nothing that it could be a share of."""


@dataclass(frozen=True, slots=True)
class Answering:
    """What a pipeline's answers are worth. An answer is right where one of its citations is.

    `shares` are under the pipeline's own threshold: `answered` of all questions, `right` of the
    answered, `first-right` and `any-right` of the answerable, `citations-right` of all
    citations, `abstained` of the unanswerable; `kinds` has the same by kind of question.
    `curve` and `aurc` are those of the answers without a threshold, by their scores: None in the
    curve stands for a coverage that cannot be reached.
    """

    questions: int
    shares: Shares
    kinds: Mapping[str, Shares]
    coverages: tuple[float, ...]
    curve: tuple[Point | None, ...]
    aurc: float

    def as_dict(self) -> dict[str, Any]:
        """The entry `answers` of a pipeline in the JSON report."""
        return {
            "questions": self.questions,
            **_plain(self.shares),
            "kinds": {kind: _plain(shares) for kind, shares in self.kinds.items()},
            "risk_coverage": [
                {"at": share, **({} if point is None else asdict(point))}
                for share, point in zip(self.coverages, self.curve, strict=True)
            ],
            "aurc": self.aurc,
        }


def judged(dataset: Dataset, query: str, answer: Answer, bold: Answer) -> Judged:
    """One question judged: `bold` is its answer without a threshold, maybe `answer` itself."""
    return Judged(
        kind=dataset.kind(query),
        answerable=dataset.answerable(query),
        answered=not answer.abstained,
        right=() if answer.abstained else dataset.right(query, answer),
        score=-math.inf if bold.abstained else bold.score,
        bold=not bold.abstained and any(dataset.right(query, bold)),
    )


def sample(found: Sequence[Judged]) -> Sample:
    """The answers without a threshold, as what thresholds are looked for in."""
    return Sample(
        scores=np.array([one.score for one in found], np.float64),
        right=np.array([one.bold for one in found], np.bool_),
        answerable=np.array([one.answerable for one in found], np.bool_),
    )


def answering(found: Sequence[Judged]) -> Answering:
    """What the judged answers, of one question at least, come to."""
    kinds = [kind for kind in dict.fromkeys(one.kind for one in found) if kind]
    whole = sample(found)
    return Answering(
        questions=len(found),
        shares=_shares(found),
        kinds={kind: _shares([one for one in found if one.kind == kind]) for kind in kinds},
        coverages=COVERAGES,
        curve=at_coverages(whole),
        aurc=aurc(whole),
    )


def _shares(found: Sequence[Judged]) -> Shares:
    answered = [one for one in found if one.answered]
    answerable = [one for one in found if one.answerable]
    others = [one for one in found if not one.answerable]
    return {
        "answered": _share(found, lambda one: one.answered),
        "right": _share(answered, lambda one: any(one.right)),
        "first-right": _share(answerable, lambda one: any(one.right[:1])),
        "any-right": _share(answerable, lambda one: any(one.right)),
        "citations-right": _citations([one for one in answered if one.right]),
        "abstained": _share(others, lambda one: not one.answered),
    }


def _share(found: Sequence[Judged], holds: Callable[[Judged], bool]) -> Share | None:
    if not found:
        return None
    mean = bootstrap_mean(np.array([holds(one) for one in found], np.float64))
    return Share(mean.value, mean.low, mean.high, len(found))


def _citations(cited: Sequence[Judged]) -> Share | None:
    if not cited:
        return None
    right = np.array([sum(one.right) for one in cited], np.float64)
    given = np.array([len(one.right) for one in cited], np.float64)
    ratio = bootstrap_ratio(right, given)
    return Share(ratio.value, ratio.low, ratio.high, int(given.sum()))


def _plain(shares: Shares) -> dict[str, Any]:
    return {name: None if one is None else asdict(one) for name, one in shares.items()}
