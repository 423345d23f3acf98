"""Scores made probabilities by a logistic curve."""

from __future__ import annotations

import numpy as np
import pytest

from rag.errors import RequestError
from rag.evaluate.calibration import platt, probabilities, reliability
from rag.protocols import Scores


def drawn(slope: float, intercept: float, count: int = 20_000) -> tuple[Scores, Scores]:
    chance = np.random.default_rng(1)
    scores = chance.normal(0.4, 0.2, count)
    truth = 1 / (1 + np.exp(-(slope * scores + intercept)))
    return scores, (chance.random(count) < truth).astype(float)


def test_the_curve_that_made_the_data_is_found() -> None:
    slope, intercept = platt(*drawn(9.0, -5.0))
    assert slope == pytest.approx(9.0, rel=0.05)
    assert intercept == pytest.approx(-5.0, rel=0.05)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (100.0, -7.0), (1e-6, 3.0)])
def test_the_scale_of_scores_does_not_matter(scale: float, shift: float) -> None:
    scores, relevant = drawn(9.0, -5.0, 2_000)
    expected = probabilities(scores, *platt(scores, relevant))
    moved = scale * scores + shift
    np.testing.assert_allclose(probabilities(moved, *platt(moved, relevant)), expected, atol=1e-4)


def test_the_curve_is_the_likeliest_for_smoothed_targets() -> None:
    scores, relevant = drawn(4.0, -1.0, 300)
    right, wrong = relevant.sum(), (1 - relevant).sum()
    targets = np.where(relevant > 0, (right + 1) / (right + 2), 1 / (wrong + 2))

    def loss(slope: float, intercept: float) -> float:
        p = probabilities(scores, slope, intercept)
        return float(-np.mean(targets * np.log(p) + (1 - targets) * np.log(1 - p)))

    slope, intercept = platt(scores, relevant)
    best = loss(slope, intercept)
    for step in (0.05, -0.05):
        assert best < loss(slope + step, intercept)
        assert best < loss(slope, intercept + step)


def test_a_clean_separation_has_a_finite_curve() -> None:
    slope, intercept = platt(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.0, 0.0, 1.0, 1.0]))
    low, high = probabilities(np.array([0.1, 0.9]), slope, intercept)
    assert 0.15 < low < 0.3
    assert 0.7 < high < 0.85


@pytest.mark.parametrize(
    ("scores", "relevant", "told"),
    [
        ([0.1, 0.2], [0.0, 0.0], "no passage that was reranked is relevant"),
        ([], [], "no passage that was reranked is relevant"),
        ([0.1, 0.2], [1.0, 1.0], "every passage that was reranked is relevant"),
        ([0.3, 0.3], [1.0, 0.0], "gives every passage the same score"),
        ([0.1, 0.2, 0.3, 0.4], [1.0, 1.0, 0.0, 0.0], "not higher for what is relevant"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_scores_that_tell_nothing_are_refused(
    scores: list[float], relevant: list[float], told: str
) -> None:
    with pytest.raises(RequestError, match=told):
        platt(np.array(scores), np.array(relevant))


def test_reliability_by_hand() -> None:
    found = reliability(np.array([0.0, 0.25, 0.26, 1.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert found.brier == pytest.approx((0.75**2 + 0.26**2) / 4)
    # 0.25 and 0.26 share a bin: together 0.51 is said, and 1 is the case.
    assert found.error == pytest.approx(0.49 / 4)


def test_nothing_overflows() -> None:
    np.testing.assert_array_equal(probabilities(np.array([-1e9, 1e9]), 5.0, 1.0), [0.0, 1.0])
