"""Uncertainty of means over queries, and of the difference between two systems.

Smucker, Allan and Carterette (2007), "A comparison of statistical significance tests for
information retrieval evaluation", is the source of the paired randomisation test; Efron and
Tibshirani (1993) of the percentile bootstrap; Holm (1979) of the correction; Guenther (1981),
"Sample size formulas for normal theory t tests", of the number of queries that a test needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[np.float64]

PERMUTATIONS = 10_000
# The chance to find a difference that is there, by which numbers of queries are planned.
POWER = 0.8
# Numbers drawn at once: bounds memory to some tens of megabytes whatever the number of queries.
_BATCH = 2**20


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A mean difference, its 95 % interval, and the two-sided p-value of no difference."""

    difference: float
    low: float
    high: float
    p: float


def bootstrap_mean(
    values: Values, seed: int = 0, resamples: int = 10_000, level: float = 0.95
) -> Interval:
    """The mean of `values` `(n,)` with its percentile bootstrap interval; same seed, same result.

    Values that are all equal, or only one, vary in no resample: the interval is that value.
    Raises ValueError for no values.
    """
    if not len(values):
        raise ValueError("the mean of no values")
    if np.all(values == values[0]):
        return Interval(*[float(values[0])] * 3)
    from scipy.stats import bootstrap

    interval = bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        batch=_batch(len(values)),
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(np.mean(values)), float(interval.low), float(interval.high))


def bootstrap_ratio(
    parts: Values, wholes: Values, seed: int = 0, resamples: int = 10_000, level: float = 0.95
) -> Interval:
    """The sum of `parts` over that of `wholes`, both `(n,)`, drawn together.

    Every whole is above 0, so that every resample has a ratio. Raises ValueError otherwise, and
    for no values.
    """
    if not len(wholes) or not np.all(wholes > 0):
        raise ValueError("a ratio needs wholes, and each of them above 0")
    value = float(parts.sum() / wholes.sum())
    if np.all(parts == value * wholes):
        return Interval(value, value, value)
    from scipy.stats import bootstrap

    interval = bootstrap(
        (parts, wholes),
        lambda some, all_, axis: some.sum(axis) / all_.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        batch=_batch(len(parts)),
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(value, float(interval.low), float(interval.high))


def paired_difference(a: Values, b: Values, seed: int = 0) -> Comparison:
    """How much better `a` is than `b` on the same queries, both `(n,)` in the same order.

    The interval is a bootstrap over queries; the p-value comes from a randomisation test that
    flips signs of differences: all flips where they are few, else 10,000 random ones.
    Raises ValueError for different lengths and for no values.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} values cannot be paired with {len(b)}")
    differences = a - b
    interval = bootstrap_mean(differences, seed)
    p = _sign_flip_p(differences, seed)
    return Comparison(interval.value, interval.low, interval.high, p)


def _sign_flip_p(differences: Values, seed: int) -> float:
    if len(differences) == 1:
        return 1.0  # both flips are as extreme as what was seen
    from scipy.stats import permutation_test

    test = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        batch=_batch(len(differences)),
        rng=np.random.default_rng(seed),
    )
    return float(test.pvalue)


def _batch(size: int) -> int:
    return max(1, _BATCH // size)


def queries_needed(a: Values, b: Values, significance: float = 0.05) -> int | None:
    """About how many queries a paired test needs to see the difference of `a` and `b`, `(n,)`.

    With so many, a difference as large as the one at hand, spread as it is among the queries,
    would be found at `significance` (two-sided) in 80 of 100 evaluations: Guenther's
    `((z + z_power) * sd / difference)² + z² / 2`. None where there is no difference, and where
    one query alone shows no spread.
    """
    differences = a - b
    mean = float(np.mean(differences))
    if len(differences) < 2 or mean == 0:
        return None
    from scipy.stats import norm

    z, z_power = float(norm.isf(significance / 2)), float(norm.ppf(POWER))
    spread = float(np.std(differences, ddof=1))
    return math.ceil(((z + z_power) * spread / mean) ** 2 + z * z / 2)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number by Holm's step-down method, in the given order."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
