from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from rag.cli.evaluation import show_report
from rag.evaluate.comparison import compare
from rag.evaluate.intervals import Interval
from rag.evaluate.measures import MEASURES
from rag.evaluate.report import Report, comparisons
from rag.evaluate.report_page import report_page
from rag.evaluate.result import Percentiles, PipelineResult


def result(name: str, values: dict[str, float]) -> PipelineResult:
    return PipelineResult(
        name=name,
        measures={measure: Interval(0.5, 0.4, 0.6) for measure in MEASURES},
        per_query=dict.fromkeys(MEASURES, values),
        index_seconds=1.5,
        query_ms=Percentiles(p50=2.0, p95=8.0),
        documents=3,
        passages=9,
    )


def noisy(shift: float) -> dict[str, float]:
    noise = np.random.default_rng(round(shift * 100)).normal(shift, 0.05, 40)
    return {f"q{n:02}": float(0.5 + value) for n, value in enumerate(noise)}


def test_later_pipelines_are_compared_with_the_first() -> None:
    pipelines = [
        result("first", noisy(0)),
        result("up", noisy(0.1)),
        result("down", dict.fromkeys(noisy(0), 0.3)),
        result("same", noisy(0)),
    ]
    found = compare(pipelines, "nDCG@10")
    assert [(c.pipeline, c.baseline, c.measure, c.verdict) for c in found] == [
        ("up", "first", "nDCG@10", "better"),
        ("down", "first", "nDCG@10", "worse"),
        ("same", "first", "nDCG@10", "not distinguishable"),
    ]
    assert found[0].found.difference == pytest.approx(0.1, abs=0.03)
    assert found[0].p_holm == pytest.approx(3 * found[0].found.p)


def test_correction_withdraws_what_a_single_test_would_have_found() -> None:
    zeros = {f"q{n}": 0.0 for n in range(6)}
    ones = dict.fromkeys(zeros, 1.0)
    once = compare([result("first", zeros), result("a", ones)], "nDCG@10")
    twice = compare([result("first", zeros), result("a", ones), result("b", ones)], "nDCG@10")
    assert once[0].p_holm == pytest.approx(2 / 64)  # all six signs, either way
    assert once[0].verdict == "better"
    assert [c.p_holm for c in twice] == pytest.approx([4 / 64, 4 / 64])
    assert {c.verdict for c in twice} == {"not distinguishable"}


def test_queries_are_paired_by_id() -> None:
    values = noisy(0)
    turned = dict(reversed(values.items()))
    (comparison,) = compare([result("first", values), result("turned", turned)], "nDCG@10")
    assert (comparison.found.low, comparison.found.high) == (0.0, 0.0)


def test_refuses_to_compare_different_queries() -> None:
    with pytest.raises(ValueError, match="'b' and 'a' were judged on other queries"):
        compare([result("a", {"q1": 1.0}), result("b", {"q2": 1.0})], "nDCG@10")


def test_nothing_to_compare() -> None:
    assert compare([], "nDCG@10") == compare([result("only", {"q1": 1.0})], "nDCG@10") == ()


def test_json_shape() -> None:
    pipelines = [result("a", {"q": 0.5}), result("b", {"q": 0.75})]
    compared = comparisons(pipelines, "nDCG@10")
    made = Report("tides", "beir", 1, "nDCG@10", tuple(pipelines), compared)
    assert json.loads(json.dumps(made.as_dict())) == {
        "dataset": "tides",
        "format": "beir",
        "pipelines": [
            {
                "name": name,
                "measures": {
                    measure: {"value": 0.5, "low": 0.4, "high": 0.6}
                    for measure in ("nDCG@10", "recall@10", "recall@100", "MRR@10")
                },
                "index_seconds": 1.5,
                "query_ms": {"p50": 2.0, "p95": 8.0},
                "documents": 3,
                "passages": 9,
            }
            for name in ("a", "b")
        ],
        "comparisons": [
            {
                "pipeline": "b",
                "baseline": "a",
                "measure": "nDCG@10",
                "difference": 0.25,
                "low": 0.25,
                "high": 0.25,
                "p": 1.0,
                "p_holm": 1.0,
                "verdict": "not distinguishable",
                "needed": None,
            }
        ],
    }


def test_stages_that_failed_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    well = result("plain", {"q": 0.5})
    ill = replace(well, name="rewritten", failed={"hyde": 12, "llm": 1})
    told = Report("tides", "beir", 1300, "nDCG@10", (well, ill), ())
    lines = [
        "rewritten: hyde failed for 12 of 1,300 questions, which went on without it",
        "rewritten: llm failed for 1 of 1,300 questions, which went on without it",
    ]
    show_report(told, questions=False)
    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if "failed" in line] == lines
    html = report_page([told])
    assert all(f"{line}." in html for line in lines)
    show_report(replace(told, pipelines=(well,)), questions=False)
    assert "failed" not in capsys.readouterr().out
    assert "failed" not in report_page([replace(told, pipelines=(well,))])
