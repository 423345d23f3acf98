"""Opinions combined by rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from founding import passage
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.config.component import Component, check
from rag.protocols import Collection, Pruner, Quality
from rag.prune.centrality import CentralityPruner
from rag.prune.quality import QualityPruner
from rag.prune.random import RandomPruner
from rag.testing import PrunerSuite
from rag.testing.collection import MemoryCollection


class Said:
    """A pruner whose scores the test says."""

    needs_vectors = False

    def __init__(self, name: str, scores: Sequence[float]) -> None:
        self._name = name
        self._scores = scores

    def judge(self, collection: Collection) -> Quality:
        return Quality(np.array(self._scores, np.float64), lambda at: f"{self._name} of {at}")


class TestQuality(PrunerSuite):
    def make(self) -> Pruner:
        of = [RandomPruner(seed=1), RandomPruner(seed=2)]
        return QualityPruner(of=of, weights=[1, 2], by="mean")


class TestQualityByRank(PrunerSuite):
    def make(self) -> Pruner:
        return QualityPruner(of=[RandomPruner(), CentralityPruner()], scale="rank")


class TestQualityByDefault(PrunerSuite):
    def make(self) -> Pruner:
        options, complaints = check(QualityPruner, "quality", {})
        assert options is not None, complaints
        made: Pruner = Component("pruner", "quality", options).build()
        return made


def collection(size: int) -> MemoryCollection:
    return MemoryCollection([passage(f"{n:03}", str(n)) for n in range(size)])


LENGTH = Said("length", [10, 400, 300, 300])
RARITY = Said("rarity", [0.9, 0.1, 0.5, 0.7])


def test_ranks_are_shares_with_ties_in_the_middle() -> None:
    quality = QualityPruner(of=[LENGTH], scale="rank").judge(collection(4))
    assert quality.scores.tolist() == [0.125, 0.875, 0.5, 0.5]


def test_the_mean_and_the_worst_of_two() -> None:
    mean = QualityPruner(of=[LENGTH, RARITY], by="mean", scale="rank").judge(collection(4))
    assert mean.scores.tolist() == [0.5, 0.5, 0.4375, 0.5625]
    worst = QualityPruner(of=[LENGTH, RARITY], scale="rank").judge(collection(4))
    assert worst.scores == pytest.approx([0.125, 0.125, 0.375, 0.5], abs=1e-6)


def test_of_equally_bad_ones_the_rest_decides() -> None:
    other = Said("other", [0.9, 0.2, 0.5, 0.8])
    scores = (
        QualityPruner(of=[Said("one", [0.2, 0.9, 0.2, 0.8]), other]).judge(collection(4)).scores
    )
    assert scores[2] < scores[0] == scores[1] < scores[3]


def test_scores_may_be_taken_as_they_are() -> None:
    other = Said("other", [0.2, 0.4, 0.6, 0.6])
    worst = QualityPruner(of=[RARITY, other]).judge(collection(4)).scores
    assert worst == pytest.approx([0.2, 0.1, 0.5, 0.6], abs=1e-6)
    mean = QualityPruner(of=[RARITY, other], by="mean").judge(collection(4))
    assert mean.scores == pytest.approx([0.55, 0.25, 0.55, 0.65])


def test_weights_count_in_the_mean() -> None:
    made = QualityPruner(of=[LENGTH, RARITY], weights=[3, 1], by="mean", scale="rank")
    weighed = made.judge(collection(4))
    assert weighed.scores.tolist() == [0.3125, 0.6875, 0.46875, 0.53125]


@pytest.mark.parametrize("by", ["mean", "min"])
def test_the_reason_is_that_of_the_harshest(by: str) -> None:
    made = QualityPruner(of=[LENGTH, RARITY], by=by, scale="rank")  # type: ignore[arg-type]
    quality = made.judge(collection(4))
    assert [quality.why(at) for at in range(3)] == ["length of 0", "rarity of 1", "rarity of 2"]


def test_vectors_are_needed_where_one_needs_them() -> None:
    assert not QualityPruner(of=[RandomPruner()]).needs_vectors
    assert QualityPruner(of=[RandomPruner(), CentralityPruner()]).needs_vectors


def test_weights_that_fit_nothing_are_faults() -> None:
    of = [{"use": "length"}, {"use": "novelty"}]
    faults = QualityPruner.faults
    assert not list(faults({"of": of, "weights": None, "by": "min"}))
    assert not list(faults({"of": of, "weights": [1, 2], "by": "mean"}))
    ((option, told),) = faults({"of": of, "weights": [1], "by": "mean"})
    assert (option, told) == ("weights", "'weights' has 1 numbers for 2 pruners")
    ((_, told),) = faults({"of": of, "weights": [1, 2], "by": "min"})
    assert "'by: mean'" in told


@settings(max_examples=200)
@given(
    st.lists(st.lists(st.floats(-1e9, 1e9), min_size=12, max_size=12), min_size=1, max_size=4),
    st.sampled_from(["mean", "min"]),
)
def test_scores_are_shares_whatever_the_units(said: list[list[float]], by: str) -> None:
    def judged(scale: float) -> list[float]:
        of = [Said("x", [value * scale for value in scores]) for scores in said]
        made = QualityPruner(of=of, by=by, scale="rank")  # type: ignore[arg-type]
        return [float(one) for one in made.judge(collection(12)).scores]

    scores = judged(1)
    assert 0 < min(scores) <= max(scores) < 1
    assert scores == judged(2.0), "ranks do not depend on the unit"


def test_the_default_drops_copies_and_furniture_first() -> None:
    said = [
        " ".join(
            f"{subject} number{n} stands by the {subject} of harbour{n}" for n in range(k, k + 9)
        )
        for k, subject in enumerate(("pilot", "buoy", "berth", "crane", "wharf", "tide"))
    ]
    given = [passage(f"{n:02}", text) for n, text in enumerate([*said, said[2], "Page 7", "Menu"])]
    quality = TestQualityByDefault().make().judge(MemoryCollection(given))
    assert set(np.argsort(quality.scores)[:3].tolist()) == {6, 7, 8}
    assert "02" in quality.why(6)
