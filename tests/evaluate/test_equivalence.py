"""Two one-sided tests, against a table, scipy's own test and their error rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.evaluate.equivalence import LEVEL, Equivalence, equivalence, largest


def shifted(by: float, size: int = 100, noise: float = 0.02, seed: int = 0) -> Equivalence:
    rng = np.random.default_rng(seed)
    base = rng.uniform(0.2, 0.8, size)
    return equivalence(base + by + rng.normal(0, noise, size), base, 0.01)


def test_figures_by_hand() -> None:
    differences = np.array([0.01, -0.01] * 18)
    found = equivalence(0.5 + differences, np.full(36, 0.5), 0.005)
    error = math.sqrt(36 * 0.0001 / 35) / 6
    assert found.difference == pytest.approx(0)
    # t of 35 degrees of freedom: 1.6896 at 95 %.
    assert found.high == pytest.approx(1.6896 * error, rel=1e-4)
    assert found.low == pytest.approx(-found.high)
    assert found.p_worse == pytest.approx(found.p_better)
    assert found.verdict == "equivalent"


def test_the_tests_are_those_of_scipy() -> None:
    from scipy.stats import ttest_1samp, ttest_rel

    rng = np.random.default_rng(5)
    a, b = rng.uniform(size=50), rng.uniform(size=50)
    found = equivalence(a, b, 0.1)
    assert found.p_worse == pytest.approx(ttest_1samp(a - b, -0.1, alternative="greater").pvalue)
    assert found.p_better == pytest.approx(ttest_1samp(a - b, 0.1, alternative="less").pvalue)
    interval = ttest_rel(a, b).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p == max(found.p_worse, found.p_better)


@pytest.mark.parametrize(
    ("by", "noise", "verdict"),
    [
        (0.0, 0.01, "equivalent"),
        (0.0, 0.3, "not shown"),
        (-0.012, 0.01, "not shown"),
        (0.05, 0.01, "not worse"),
    ],
)
def test_verdicts(by: float, noise: float, verdict: str) -> None:
    found = shifted(by, noise=noise)
    assert found.verdict == verdict
    assert found.as_dict()["verdict"] == verdict


@settings(max_examples=200)
@given(st.floats(-0.02, 0.02), st.floats(0.001, 0.1), st.integers(30, 200), st.integers(0, 99))
def test_equivalent_says_that_the_interval_is_within(
    by: float, noise: float, size: int, seed: int
) -> None:
    found = shifted(by, size, noise, seed)
    assert found.low <= found.difference <= found.high
    assert found.equivalent == (-found.margin < found.low and found.high < found.margin)
    assert found.not_worse == (-found.margin < found.low)


def test_a_true_loss_of_the_margin_is_rarely_called_equivalent() -> None:
    wrong = sum(shifted(-0.01, 60, 0.02, seed).equivalent for seed in range(2_000))
    assert wrong / 2_000 == pytest.approx(LEVEL, abs=0.015)


def test_equal_values() -> None:
    same = np.linspace(0, 1, 40)
    assert equivalence(same, same, 0.01).verdict == "equivalent"
    assert equivalence(np.full(40, 0.25), np.full(40, 0.5), 0.1).verdict == "not shown"
    assert equivalence(np.full(40, 0.5), np.full(40, 0.25), 0.1).verdict == "not worse"


def test_few_queries_show_nothing() -> None:
    same = np.linspace(0, 1, 29)
    assert equivalence(same, same, 0.01).verdict == "not shown"
    one = equivalence(np.array([0.5]), np.array([0.5]), 0.01)
    assert (one.low, one.high, one.p) == (-1, 1, 1)


@pytest.mark.parametrize(("a", "b", "margin"), [([1.0], [], 0.1), ([], [], 0.1), ([1.0], [1.0], 0)])
def test_what_cannot_be_compared(a: list[float], b: list[float], margin: float) -> None:
    with pytest.raises(ValueError, match=r"paired|margin"):
        equivalence(np.array(a), np.array(b), margin)


def test_the_largest_share_stands_below_the_first_that_fails() -> None:
    assert largest([]) == 0
    assert largest([(0.1, False), (0.2, True)]) == 0
    assert largest([(0.3, True), (0.1, True), (0.2, True), (0.5, True), (0.4, False)]) == 0.3
