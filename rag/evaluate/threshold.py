"""The threshold of an answerer for a stated error rate, proven on questions.

Which thresholds are looked at hangs on the scores alone, never on what is right, so that looking
at many costs nothing: see `rag.evaluate.proof`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rag.errors import RequestError
from rag.evaluate.intervals import Interval, Values
from rag.evaluate.proof import Counts, Tests, fewest, upper_bound
from rag.evaluate.risk import Point, Sample, at_threshold

# Thresholds are looked at in steps of this: nobody writes more digits.
_STEP = 0.01
# Answers under which a share of wrong ones promises nothing.
_TELLING = 10


@dataclass(frozen=True, slots=True)
class Threshold:
    """The lowest threshold that was shown to keep the error rate.

    Of the answered questions, those without an answer among them, at most the share `error` is
    answered wrongly, at the confidence `level`; `bound` is the upper bound that was found for the
    share, and `sure` the level that it holds at alone. `at` is what the threshold makes of the
    sample. The intervals are 95 % bootstraps over questions: of the threshold, fitted anew to
    each resample (infinite where nothing can be shown), and, with this threshold, of the
    `coverage`, the `risk`, and the share of unanswerable questions that is `abstained` on, None
    where there are none. `proven` is the share of resamples in which something can be shown.
    """

    error: float
    level: float
    sure: float
    bound: float
    at: Point
    threshold: Interval
    coverage: Interval
    risk: Interval
    abstained: Interval | None
    proven: float


def fit(
    sample: Sample, error: float, *, level: float = 0.95, seed: int = 0, resamples: int = 2_000
) -> Threshold:
    """The lowest threshold whose error among the answered is shown to be `error` at most.

    `error` and `level` lie between 0 and 1. Raises RequestError where nothing can be shown: it
    says about how many questions more could.
    """
    tests = Tests.of(error, level, int(np.isfinite(sample.scores).sum()), len(sample))
    if tests is None:
        raise RequestError(_too_few(sample, error, level))
    grid, tally = _tally(sample)
    lowest = tests.lowest(*_above(tally))
    if lowest < 0:
        raise RequestError(_unproven(sample, grid, tests))
    at = at_threshold(sample, float(grid[lowest]))
    drawn = _resampled(tally, seed, resamples)
    coverage, risk, abstained = _shares(tally, drawn, lowest)
    found = np.array([tests.lowest(*_above(one)) for one in drawn])
    thresholds = np.where(found < 0, np.inf, grid[found])
    return Threshold(
        error=error,
        level=level,
        sure=tests.sure,
        bound=upper_bound(at.wrong, at.answered, tests.sure),
        at=at,
        threshold=_interval(at.threshold, thresholds),
        coverage=coverage,
        risk=risk,
        abstained=abstained if tally[:, 2].any() else None,
        proven=float(np.mean(found >= 0)),
    )


def _tally(sample: Sample) -> tuple[Values, Counts]:
    """Thresholds, ascending, and how many scores lie from each up to the next.

    The counts are `(thresholds + 1, 3)`, of right answers, wrong ones, and answers to questions
    that have none; the first row is of what no threshold answers.
    """
    finite = np.isfinite(sample.scores)
    steps, places = np.unique(_steps(sample.scores[finite]), return_inverse=True)
    rows = np.zeros(len(sample), np.int64)
    rows[finite] = places + 1
    kinds = np.where(sample.right, 0, np.where(sample.answerable, 1, 2))
    tally = np.zeros((len(steps) + 1, 3), np.int64)
    np.add.at(tally, (rows, kinds), 1)
    return _written(steps), tally


def _steps(scores: Values) -> Counts:
    """The highest step whose threshold, as it is written, each of `scores` reaches."""
    steps = np.floor(scores / _STEP).astype(np.int64)
    steps += _written(steps + 1) <= scores
    steps -= _written(steps) > scores
    return steps


def _written(steps: Counts) -> Values:
    found: Values = np.round(steps * _STEP, 2)
    return found


def _above(tally: Counts) -> tuple[Counts, Counts]:
    """How many are answered, and how many wrongly, at each threshold."""
    summed = tally[:0:-1].cumsum(axis=0)[::-1]
    return summed.sum(axis=1), summed[:, 1:].sum(axis=1)


def _resampled(tally: Counts, seed: int, resamples: int) -> Counts:
    """Tallies of as many questions, drawn with replacement: `(resamples, *tally.shape)`."""
    chance = tally.ravel() / tally.sum()
    drawn = np.random.default_rng(seed).multinomial(int(tally.sum()), chance, size=resamples)
    return drawn.reshape(resamples, *tally.shape)


def _shares(tally: Counts, drawn: Counts, place: int) -> list[Interval]:
    """Coverage, risk and abstention at the threshold at `place`, with their intervals."""

    def shares(one: Counts) -> tuple[Values, Values, Values]:
        above = one[..., place + 1 :, :].sum(axis=-2)
        answered = above.sum(axis=-1)
        # A resample may lack what a share is of: then it says nothing about the share.
        with np.errstate(invalid="ignore"):
            risk = above[..., 1:].sum(axis=-1) / answered
            abstained = 1 - above[..., 2] / one[..., 2].sum(axis=-1)
        return answered / one.sum(axis=(-2, -1)), risk, abstained

    return [
        _interval(float(value), values[np.isfinite(values)])
        for value, values in zip(shares(tally), shares(drawn), strict=True)
    ]


def _interval(value: float, drawn: Values) -> Interval:
    """Percentiles that are themselves values: there may be infinite ones among them."""
    if not len(drawn):
        return Interval(value, value, value)
    low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf")
    return Interval(value, float(low), float(high))


def _too_few(sample: Sample, error: float, level: float) -> str:
    needed = fewest(error, level)
    reached = int(np.isfinite(sample.scores).sum())
    share = max(reached, 1) / len(sample)
    more = max(math.ceil(needed / share) - len(sample), 1)
    return (
        f"{reached:,} answer{' is' if reached == 1 else 's are'} too few to prove an error of "
        f"{error:g} at {level:.0%} confidence "
        f"(even with none wrong it takes {needed:,}): add at least {more:,} questions, or state "
        "a higher error"
    )


def _unproven(sample: Sample, grid: Values, tests: Tests) -> str:
    """What to say where every sequence failed at its start."""
    points = [at_threshold(sample, float(threshold)) for threshold in grid]
    telling = [point for point in points if point.answered >= _TELLING]
    best = min(telling or points, key=lambda point: (point.risk, -point.answered))
    seen = f"at best {best.wrong:,} of {best.answered:,} answers are wrong"
    stated = f"an error of {tests.error:g} cannot be proven at {tests.level:.0%} confidence: {seen}"
    needed = [number for point in telling if (number := _needed(point, sample, tests))]
    if not needed:
        return f"{stated}, too many for more questions to help; state a higher error"
    more = max(min(needed) - len(sample), 1)
    return f"{stated}; add about {more:,} questions, or state a higher error"


def _needed(point: Point, sample: Sample, tests: Tests) -> int | None:
    """About how many questions would show the rate, if shares stayed as they are at `point`.

    The share of wrong answers is taken a little higher than it is (Laplace's rule of succession),
    so that a few right ones do not promise much.
    """
    from scipy.stats import norm

    share = (point.wrong + 1) / (point.answered + 2)
    if share >= tests.error:
        return None
    # The normal approximation to the binomial's tail, solved for the number of answers.
    spread = float(norm.ppf(tests.sure)) * math.sqrt(tests.error * (1 - tests.error))
    answers = max((spread / (tests.error - share)) ** 2, fewest(tests.error, tests.sure))
    return math.ceil(answers / point.coverage)
