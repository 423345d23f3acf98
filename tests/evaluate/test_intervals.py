from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.evaluate.intervals import Interval, bootstrap_mean, holm, paired_difference

SAMPLE = np.random.default_rng(7).random(80)


def test_interval_holds_the_mean_and_depends_on_the_seed_alone() -> None:
    interval = bootstrap_mean(SAMPLE, seed=1)
    assert interval.low < interval.value < interval.high
    assert interval.value == pytest.approx(SAMPLE.mean())
    assert interval == bootstrap_mean(SAMPLE, seed=1)
    assert interval != bootstrap_mean(SAMPLE, seed=2)


def test_interval_agrees_with_plain_resampling() -> None:
    rng = np.random.default_rng(11)
    means = SAMPLE[rng.integers(0, len(SAMPLE), (20_000, len(SAMPLE)))].mean(axis=1)
    interval = bootstrap_mean(SAMPLE)
    assert interval.low == pytest.approx(np.quantile(means, 0.025), abs=0.004)
    assert interval.high == pytest.approx(np.quantile(means, 0.975), abs=0.004)


def test_lower_level_is_narrower() -> None:
    wide, narrow = bootstrap_mean(SAMPLE), bootstrap_mean(SAMPLE, level=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    intervals = [bootstrap_mean(rng.normal(0.4, 0.2, 60), resamples=400) for _ in range(200)]
    covered = sum(interval.low <= 0.4 <= interval.high for interval in intervals)
    assert 178 <= covered <= 198  # 190 expected, standard deviation 3


@pytest.mark.parametrize("values", [[0.1], [0.1] * 7, [0.0] * 300])
def test_equal_values_are_their_own_interval(values: list[float]) -> None:
    value = values[0]
    assert bootstrap_mean(np.array(values)) == Interval(value, value, value)


def test_refuses_no_values() -> None:
    with pytest.raises(ValueError, match="no values"):
        bootstrap_mean(np.array([], dtype=np.float64))
    with pytest.raises(ValueError, match="no values"):
        paired_difference(np.array([]), np.array([]))


def test_refuses_values_that_do_not_pair() -> None:
    with pytest.raises(ValueError, match="2 values cannot be paired with 1"):
        paired_difference(np.zeros(2), np.zeros(1))


def test_sign_flip_p_is_that_of_all_flips_on_few_queries() -> None:
    a, b = np.array([0.9, 0.4, 0.8, 0.7, 0.5]), np.array([0.5, 0.5, 0.2, 0.4, 0.3])
    differences = a - b
    flipped = [abs(np.mean(differences * signs)) for signs in product((1, -1), repeat=5)]
    extreme = sum(mean >= abs(differences.mean()) - 1e-12 for mean in flipped)
    comparison = paired_difference(a, b)
    assert comparison.difference == pytest.approx(0.28)
    assert comparison.p == pytest.approx(extreme / 32)


def test_sign_flip_p_is_close_to_a_normal_one_on_many_queries() -> None:
    differences = np.random.default_rng(5).normal(0.02, 0.2, 400)
    comparison = paired_difference(0.5 + differences, np.full(400, 0.5), seed=1)
    z = differences.mean() / np.sqrt((differences**2).mean() / 400)
    from scipy.stats import norm

    assert comparison.p == pytest.approx(2 * norm.sf(abs(z)), abs=0.015)
    assert comparison == paired_difference(0.5 + differences, np.full(400, 0.5), seed=1)


def test_turning_the_pair_round_turns_the_sign() -> None:
    a, b = SAMPLE, SAMPLE[::-1] * 0.9
    forward, backward = paired_difference(a, b), paired_difference(b, a)
    assert forward.difference == pytest.approx(-backward.difference)
    assert forward.low == pytest.approx(-backward.high, abs=1e-9)
    assert forward.p == pytest.approx(backward.p, abs=0.02)


def test_the_same_values_do_not_differ() -> None:
    comparison = paired_difference(SAMPLE, SAMPLE)
    assert (comparison.difference, comparison.low, comparison.high) == (0.0, 0.0, 0.0)
    assert comparison.p == 1.0


def test_one_query_proves_nothing() -> None:
    assert paired_difference(np.array([1.0]), np.array([0.0])).p == 1.0


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_order_and_stays_between_the_raw_and_bonferroni_values(raw: list[float]) -> None:
    corrected = holm(raw)
    for p, q in zip(raw, corrected, strict=True):
        assert p <= q <= min(1.0, len(raw) * p)
    by_raw = [q for _, q in sorted(zip(raw, corrected, strict=True))]
    assert by_raw == sorted(by_raw)
