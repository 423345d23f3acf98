"""A threshold for a stated error rate: what is proven holds, and what cannot be is refused."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from rag.errors import RequestError
from rag.evaluate.proof import fewest, upper_bound
from rag.evaluate.risk import Sample, at_threshold
from rag.evaluate.threshold import fit


def drawn(seed: int, number: int, wrong_above: float = 0.0, turn: float = 0.5) -> Sample:
    """Even scores; above `turn` the share `wrong_above` is wrong, below it one half."""
    chance = np.random.default_rng(seed)
    scores = chance.random(number)
    wrong = chance.random(number) < np.where(scores >= turn, wrong_above, 0.5)
    answerable = ~wrong | (chance.random(number) < 0.5)
    return Sample(scores, ~wrong, answerable)


@given(st.integers(1, 200), st.data())
def test_the_bound_is_that_of_clopper_and_pearson(number: int, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, number))
    interval = binomtest(wrong, number, alternative="less").proportion_ci(0.9, "exact")
    assert upper_bound(wrong, number, 0.9) == pytest.approx(interval.high)


@pytest.mark.parametrize("error", [0.02, 0.1, 0.37])
def test_the_fewest_answers_are_the_fewest(error: float) -> None:
    number = fewest(error, 0.95)
    assert upper_bound(0, number, 0.95) <= error < upper_bound(0, number - 1, 0.95)


def test_the_lowest_threshold_that_holds_is_found() -> None:
    found = fit(drawn(1, 2_000), 0.1)
    # Below one half the answers get worse: some of them are still within the rate.
    assert 0.3 < found.threshold.value < 0.5
    assert found.threshold.low <= found.threshold.value <= found.threshold.high
    assert found.at == at_threshold(drawn(1, 2_000), found.threshold.value)
    assert found.risk.value == found.at.risk < found.bound <= 0.1
    assert found.coverage.value == found.at.coverage
    assert found.coverage.low < found.coverage.value < found.coverage.high
    assert found.proven > 0.99


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([40, 90, 300]), st.sampled_from([0.1, 0.25]))
def test_what_is_found_is_within_its_bound(seed: int, number: int, error: float) -> None:
    sample = drawn(seed, number, wrong_above=0.05)
    try:
        found = fit(sample, error, resamples=20)
    except RequestError as refusal:
        assert "\n" not in str(refusal)
        return
    assert found.bound == upper_bound(found.at.wrong, found.at.answered, found.sure) <= error
    assert found.threshold.value == round(found.threshold.value, 2)
    assert found.at == at_threshold(sample, found.threshold.value)
    assert found == fit(sample, error, resamples=20)


def test_the_promise_is_kept_as_often_as_it_says() -> None:
    """Answers that are wrong a little too often at every score: any threshold is a mistake."""
    mistakes = 0
    for seed in range(200):
        try:
            fit(drawn(seed, 300, wrong_above=0.11, turn=0.0), 0.1, level=0.9, resamples=1)
            mistakes += 1
        except RequestError:
            pass
    # The promise is 10 %; three standard deviations above it.
    assert mistakes / 200 <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / 200)


def test_a_mistake_at_the_top_does_not_end_it_all() -> None:
    scores = np.linspace(1, 0.5, 200)
    right = np.ones(200, np.bool_)
    right[3] = False
    found = fit(Sample(scores, right, np.ones(200, np.bool_)), 0.1)
    assert found.at.answered == 200


def test_a_strict_threshold_may_be_all_that_holds() -> None:
    found = fit(drawn(3, 300, turn=0.8), 0.1)
    assert found.at.coverage < 0.35
    assert found.abstained is not None
    assert found.abstained.value > 0.8


def test_what_no_threshold_answers_counts_for_the_coverage_alone() -> None:
    one = drawn(1, 400)
    more = Sample(
        np.concatenate([one.scores, np.full(400, -math.inf)]),
        np.concatenate([one.right, np.zeros(400, np.bool_)]),
        np.concatenate([one.answerable, np.ones(400, np.bool_)]),
    )
    alone, both = fit(one, 0.1), fit(more, 0.1)
    assert both.threshold.value == alone.threshold.value
    assert both.bound == alone.bound
    assert both.coverage.value == alone.coverage.value / 2


def test_without_unanswerable_questions_no_abstention_is_told() -> None:
    sample = drawn(1, 400)
    assert fit(Sample(sample.scores, sample.right, sample.right | True), 0.1).abstained is None


def test_scores_in_single_precision_reach_the_threshold_they_are_given() -> None:
    scores = np.array([np.float32(0.29), 0.29, 0.57, 0.58] * 20, np.float64)
    sample = Sample(scores, np.ones(80, np.bool_), np.ones(80, np.bool_))
    found = fit(sample, 0.1)
    assert found.at.answered == 80


def test_too_few_are_told_how_many_more() -> None:
    sample = drawn(1, 20)
    with pytest.raises(RequestError, match=r"20 answers are too few .* takes 29\): add at least 9"):
        fit(sample, 0.1)
    more = Sample(np.linspace(0, 1, 29), np.ones(29, np.bool_), np.ones(29, np.bool_))
    assert fit(more, 0.1).at.answered == 29


def test_what_is_not_proven_yet_is_told_how_many_more() -> None:
    sample = drawn(5, 60, wrong_above=0.04, turn=0.0)
    with pytest.raises(RequestError, match="add about") as caught:
        fit(sample, 0.08)
    more = int(re.findall(r"add about ([0-9,]+)", str(caught.value))[0].replace(",", ""))
    found = [fit_or_none(drawn(seed, 60 + 2 * more, 0.04, turn=0.0), 0.08) for seed in range(20)]
    assert sum(found) > 10


def fit_or_none(sample: Sample, error: float) -> bool:
    try:
        fit(sample, error, resamples=1)
    except RequestError:
        return False
    return True


def test_what_is_hopeless_is_said_to_be() -> None:
    with pytest.raises(RequestError, match="too many for more questions to help"):
        fit(drawn(1, 500, wrong_above=0.5), 0.1)
