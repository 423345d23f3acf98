from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import norm, ttest_1samp

from rag.evaluate import wording
from rag.evaluate.comparison import PipelineComparison, compare, compare_all
from rag.evaluate.intervals import Comparison, Interval, queries_needed
from rag.evaluate.questions import contrasts
from rag.evaluate.result import PipelineResult

QUESTIONS = {f"q{n}": f"Question {n}?" for n in range(4)}


def result(name: str, values: dict[str, float], **more: dict[str, float]) -> PipelineResult:
    per_query = {"nDCG@10": values, **more}
    means = {measure: Interval(0.5, 0.4, 0.6) for measure in per_query}
    return PipelineResult(
        name, means, per_query, tops={query: f"{name}-{query}" for query in values}
    )


def noisy(shift: float, seed: int, queries: int = 40) -> dict[str, float]:
    noise = np.random.default_rng(seed).normal(0.5 + shift, 0.2, queries)
    return {f"q{n:03}": float(value) for n, value in enumerate(noise)}


def test_the_number_needed_is_that_of_the_formula() -> None:
    a, b = np.array([0.1, 0.5, 0.2, 0.8]), np.array([0.0, 0.2, 0.3, 0.4])
    spread = np.std(a - b, ddof=1) / np.mean(a - b)
    expected = ((1.959964 + 0.841621) * spread) ** 2 + 1.959964**2 / 2
    assert queries_needed(a, b) == int(np.ceil(expected))
    assert queries_needed(b, a) == queries_needed(a, b)
    stricter = queries_needed(a, b, 0.05 / 10)
    assert stricter is not None and stricter > expected


def test_so_many_queries_find_the_difference_four_times_out_of_five() -> None:
    generator = np.random.default_rng(3)
    sample = generator.normal(0.03, 0.2, 60)
    needed = queries_needed(sample, np.zeros(60))
    assert needed is not None
    mean, spread = np.mean(sample), np.std(sample, ddof=1)
    trials = generator.normal(mean, spread, (2000, needed))
    found = float(np.mean(ttest_1samp(trials, 0, axis=1).pvalue < 0.05))
    assert found == pytest.approx(0.8, abs=0.03)


def test_nothing_is_needed_to_see_no_difference() -> None:
    same = np.array([0.5, 0.25])
    assert queries_needed(same, same) is None
    assert queries_needed(np.array([1.0]), np.array([0.5])) is None


def test_needed_is_told_of_what_is_not_distinguishable_alone() -> None:
    pipelines = [result("a", noisy(0, 1)), result("b", noisy(0.4, 2)), result("c", noisy(0.02, 3))]
    clear, unclear = compare(pipelines, "nDCG@10")
    assert (clear.verdict, clear.needed) == ("better", None)
    assert unclear.verdict == "not distinguishable"
    assert unclear.needed is not None and unclear.needed > 40
    assert unclear.as_dict()["needed"] == unclear.needed


@pytest.mark.parametrize("seed", range(12))
def test_more_is_needed_than_there_is(seed: int) -> None:
    """The level of the plan is that of the test, so that it never asks for less."""
    pipelines = [result(str(n), noisy(0.03 * n, seed * 10 + n)) for n in range(4)]
    for one in compare_all(pipelines, ["nDCG@10"]):
        assert (one.needed is None) == (one.verdict != "not distinguishable")
        assert one.needed is None or one.needed > 40


def test_each_with_each_on_every_measure() -> None:
    recall = {"recall": noisy(0, 9)}
    pipelines = [result(n, noisy(0.3 * k, k), **recall) for k, n in enumerate("abc")]
    found = compare_all(pipelines, ["nDCG@10", "recall"])
    pairs = [("b", "a"), ("c", "a"), ("c", "b")]
    assert [(c.pipeline, c.baseline) for c in found] == pairs * 2
    assert [c.measure for c in found] == ["nDCG@10"] * 3 + ["recall"] * 3
    # The family is the pairs of one measure: the smallest of three p-values counts three times.
    smallest = min(found[:3], key=lambda c: c.found.p)
    assert smallest.p_holm == pytest.approx(3 * smallest.found.p)
    assert {c.p_holm for c in found[3:]} == {1.0}


def comparison(needed: int | None, p: float = 0.5) -> PipelineComparison:
    return PipelineComparison("b", "a", "R@10", Comparison(0.01, -0.01, 0.03, p), p, needed)


@pytest.mark.parametrize(
    ("needed", "written"),
    [
        (None, ""),
        (8, "8"),
        (41, "41"),
        (1_234, "1,300"),
        (100_000, "100,000"),
        (100_001, ">100,000"),
    ],
)
def test_numbers_needed_are_written_roughly(needed: int | None, written: str) -> None:
    assert wording.needed(comparison(needed)) == written


def test_figures_as_they_are_written() -> None:
    assert wording.p_value(comparison(None, p=0.0004)) == "<0.001"
    assert wording.p_value(comparison(None, p=0.05)) == "0.050"
    assert wording.difference(comparison(None)) == "+0.010 [-0.010, +0.030]"
    assert wording.mean(Interval(0.5, 0.4, 0.6)) == "0.500 [0.40, 0.60]"
    assert wording.mean(Interval(0.053, 0.048, 0.058)) == "0.053 [0.048, 0.058]"
    assert wording.measure("R@10") == "recall@10"
    assert wording.milliseconds(None) == wording.seconds(None) == ""


def test_questions_that_differ_come_by_the_size_of_the_difference() -> None:
    first = result("first", {"q0": 0.5, "q1": 1.0, "q2": 0.2, "q3": 0.5})
    second = result("second", {"q0": 0.6, "q1": 0.0, "q2": 0.2, "q3": 1.0})
    found = contrasts(second, first, "nDCG@10", QUESTIONS)
    assert [row.id for row in found.rows] == ["q1", "q3", "q0"]
    assert (found.wins, found.losses, found.ties) == (2, 1, 1)
    assert json.loads(json.dumps(found.as_dict()))["rows"][0] == {
        "id": "q1",
        "question": "Question 1?",
        "baseline": 1.0,
        "pipeline": 0.0,
        "baseline_top": "first-q1",
        "pipeline_top": "second-q1",
        "difference": -1.0,
    }


def test_normal_quantiles_are_those_that_the_formula_means() -> None:
    assert norm.isf(0.025) == pytest.approx(1.959964, abs=1e-6)
