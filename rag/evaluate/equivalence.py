"""Whether two systems are as good as each other, within a margin.

Two one-sided tests (Schuirmann 1987, "A comparison of the two one-sided tests procedure and the
power approach for assessing the equivalence of average bioavailability"): that a difference is
not significant shows nothing, so it is the differences beyond the margin that are tested and
rejected. The tests are paired t-tests over queries: they agree with bootstrap and randomisation
on retrieval measures (Smucker, Allan and Carterette 2007), and need no random numbers, so that a
verdict can be worked out again by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from rag.evaluate.intervals import Values

LEVEL = 0.05
# A mean over fewer queries, most of whose differences are 0, is far from a t-distribution:
# fewer are taken to show nothing.
LEAST_QUERIES = 30

Verdict: TypeAlias = Literal["equivalent", "not worse", "not shown"]


@dataclass(frozen=True, slots=True)
class Equivalence:
    """How much better one system is than another, and whether that is within `margin`.

    `low` and `high` are the 90 % interval of the difference, which lies within the margin
    exactly where both tests reject at 5 %. `p_worse` belongs to "worse by the margin or more",
    `p_better` to "better by the margin or more".
    """

    difference: float
    low: float
    high: float
    margin: float
    p_worse: float
    p_better: float

    @property
    def p(self) -> float:
        """The p-value of "not equivalent": the larger of the two."""
        return max(self.p_worse, self.p_better)

    @property
    def not_worse(self) -> bool:
        """Whether a loss of the margin or more is ruled out, however large a gain may be."""
        return self.p_worse < LEVEL

    @property
    def equivalent(self) -> bool:
        """Whether a loss and a gain of the margin or more are both ruled out."""
        return self.p < LEVEL

    @property
    def verdict(self) -> Verdict:
        """What was shown. "not shown" does not say that there is a difference."""
        if self.equivalent:
            return "equivalent"
        return "not worse" if self.not_worse else "not shown"

    def as_dict(self) -> dict[str, Any]:
        """The comparison's entry in a JSON report."""
        return {**asdict(self), "p": self.p, "verdict": self.verdict}


def equivalence(a: Values, b: Values, margin: float) -> Equivalence:
    """Whether `a` is as good as `b` within `margin`, an absolute difference of means.

    Both are `(n,)`, values in 0..1 of the same queries in the same order. Under 30 queries
    nothing is shown, and both p-values are 1. Raises ValueError for different lengths, for no
    values, and for a margin that is not positive.
    """
    if len(a) != len(b) or not len(a):
        raise ValueError(f"{len(a)} values cannot be paired with {len(b)}")
    if not margin > 0:
        raise ValueError(f"a margin of {margin} leaves nothing to be within")
    differences = a - b
    mean = float(np.mean(differences))
    low, high = _interval(differences, mean)
    p_worse, p_better = _p(differences, mean, margin)
    return Equivalence(mean, low, high, margin, p_worse, p_better)


def _error(differences: Values) -> float:
    return float(np.std(differences, ddof=1) / np.sqrt(len(differences)))


def _interval(differences: Values, mean: float) -> tuple[float, float]:
    """The 90 % interval; of one query, all that a difference of measures can be."""
    from scipy.stats import t

    if len(differences) == 1:
        return -1.0, 1.0
    reach = float(t.ppf(1 - LEVEL, len(differences) - 1)) * _error(differences)
    return mean - reach, mean + reach


def _p(differences: Values, mean: float, margin: float) -> tuple[float, float]:
    from scipy.stats import t

    if len(differences) < LEAST_QUERIES:
        return 1.0, 1.0
    error = _error(differences)
    if error == 0:
        return float(mean <= -margin), float(mean >= margin)
    freedom = len(differences) - 1
    return (
        float(t.sf((mean + margin) / error, freedom)),
        float(t.cdf((mean - margin) / error, freedom)),
    )


def largest(found: Iterable[tuple[float, bool]]) -> float:
    """The largest share that holds together with all smaller ones; 0.0 where none does.

    `found` is (share, whether it holds) in any order. Going up from the smallest share and
    stopping at the first that fails tests a fixed sequence of hypotheses, each at the full
    level, and keeps the error rate of the whole (Maurer, Hothorn and Lehmacher 1995, "Multiple
    comparisons in drug clinical trials and preclinical assays: a-priori ordered hypotheses").
    """
    reached = 0.0
    for share, holds in sorted(found):
        if not holds:
            break
        reached = share
    return reached
