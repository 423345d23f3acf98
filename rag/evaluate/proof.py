"""Which counts of right and wrong answers prove an error rate, and from which threshold up.

Angelopoulos, Bates, Candès, Jordan and Lei (2021), "Learn then Test: Calibrating Predictive
Algorithms to Achieve Risk Control": thresholds are tested one after the other, the strictest
first, up to the first that fails, which keeps the chance of error of the whole at that of one
test. Several such sequences with different starts share it.

Each test is Clopper and Pearson's one-sided bound (1934). Given the scores, the answers are
wrong each with a chance of its own; how many are is then spread less than by a binomial of the
same mean (Hoeffding 1956, "On the Distribution of the Number of Successes in Independent
Trials"), and so the bound holds for the mean chance. Which thresholds are looked at, and where a
sequence starts, must hang on the scores alone, never on what is right: so neither costs anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

# Sequences start where so many answers are at hand as would do if none was wrong, and at two and
# four times as many: the first alone would end at the first mistake.
_STARTS = 3


@dataclass(frozen=True, slots=True)
class Tests:
    """Which counts show the error rate: `allowed[n]` wrong ones at most among n, -1 for none."""

    error: float
    level: float
    sure: float
    starts: tuple[int, ...]
    allowed: Counts

    @classmethod
    def of(cls, error: float, level: float, answers: int, questions: int) -> Tests | None:
        """Tests for so many answers; None where they are too few whatever is right.

        Of the questions, a resample may have more that are answered.
        """
        for number in range(_STARTS, 0, -1):
            sure = 1 - (1 - level) / number
            starts = tuple(fewest(error, sure) * 2**n for n in range(number))
            if starts[-1] <= answers:
                return cls(error, level, sure, starts, _allowed(error, sure, questions))
        return None

    def lowest(self, answered: Counts, wrong: Counts) -> int:
        """The place of the lowest threshold that is shown; -1 where none is.

        `answered` and `wrong` are counts at each threshold, the lowest threshold first.
        """
        shown = wrong <= self.allowed[answered]
        place = -1
        for start in self.starts:
            # Counts grow downwards: the last place with enough is the strictest threshold.
            enough = np.flatnonzero(answered >= start)
            if len(enough) and shown[enough[-1]]:
                failed = np.flatnonzero(~shown[: enough[-1]])
                reached = int(failed[-1]) + 1 if len(failed) else 0
                place = reached if place < 0 else min(place, reached)
        return place


def upper_bound(wrong: int, answered: int, level: float) -> float:
    """The one-sided upper bound of Clopper and Pearson for a share; 1 where all are wrong."""
    from scipy.stats import beta

    return 1.0 if wrong == answered else float(beta.ppf(level, wrong + 1, answered - wrong))


def fewest(error: float, level: float) -> int:
    """How many answers show the error rate if none of them is wrong."""
    return math.ceil(math.log(1 - level) / math.log(1 - error))


def _allowed(error: float, sure: float, most: int) -> Counts:
    """For 0 to `most` answers how many may be wrong: where the upper bound is `error`."""
    from scipy.stats import binom

    number = np.arange(most + 1)
    wrong = binom.ppf(1 - sure, number, error)
    fits = binom.cdf(wrong, number, error) <= 1 - sure
    allowed: Counts = np.where(fits, wrong, wrong - 1).astype(np.int64)
    return allowed
