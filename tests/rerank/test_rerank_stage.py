"""Probabilities change no order, and say what a score is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from rag.config import parse_pipeline
from rag.errors import ModelError, PipelineError
from rag.stages.rerank import Calibration, EarlyExit, RerankStage
from rag.testing import MemoryView
from rag.types import Hit, Passage, Query, Ranking

SCORES = {"a": 2.0, "b": -1.0, "c": 900.0, "d": 901.0, "e": 2.0}
CURVE = Calibration(1.5, -1.0)


class Known:
    def score(self, question: str, passages: Sequence[Passage]) -> list[float]:
        return [SCORES[one.document_id] for one in passages]


class Missing:
    def score(self, question: str, passages: Sequence[Passage]) -> list[float]:
        raise ModelError("there is no such model")


def reranked(**options: object) -> tuple[Hit, ...]:
    stage = RerankStage("known", Known(), 5, **options)  # type: ignore[arg-type]
    hits = tuple(Hit(Passage(one, 0, 1, "x"), 5.0 - n) for n, one in enumerate("abcde"))
    return stage(Ranking(Query("q"), hits), MemoryView()).hits


def names(hits: Sequence[Hit]) -> str:
    return "".join(hit.passage.document_id for hit in hits)


def test_scores_become_probabilities() -> None:
    hits = reranked(probability=CURVE)
    for hit in hits:
        score = SCORES[hit.passage.document_id]
        expected = 1 / (1 + math.exp(1.0 - 1.5 * min(score, 100)))
        assert hit.score == hit.stages["known"].score == pytest.approx(expected)


@pytest.mark.parametrize("weight", [1.0, 0.7, 0.3])
@pytest.mark.parametrize("early", [None, EarlyExit(2, 1)])
def test_probabilities_change_no_order(weight: float, early: EarlyExit | None) -> None:
    # The probabilities of c and d are both 1: their scores still tell them apart.
    plain = reranked(weight=weight, early_exit=early)
    curved = reranked(weight=weight, early_exit=early, probability=CURVE)
    assert names(curved) == names(plain)
    assert [hit.score for hit in curved] == sorted((hit.score for hit in curved), reverse=True)
    if weight < 1:
        assert [hit.score for hit in curved] == [hit.score for hit in plain]
        assert curved[0].stages["known"].score == CURVE(SCORES[curved[0].passage.document_id])


def test_a_model_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ModelError, match="no such model"):
        RerankStage("missing", Missing(), 3)(
            Ranking(Query("q"), (Hit(Passage("a", 0, 1, "x"), 1.0),)), MemoryView()
        )


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_an_error(
    score: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCORES, "b", score)
    with pytest.raises(ModelError, match=f"'known' scored passage 'b#0-1' as {score}"):
        reranked()


@pytest.mark.parametrize("slope", ["0", "-2.0"])
def test_a_curve_must_rise(slope: str) -> None:
    text = (
        "name: x\nindex:\n  chunk: {use: fixed}\n  encode: {use: sentence-transformers}\n"
        "query:\n  - retrieve: {use: dense, k: 50}\n"
        f"  - rerank: {{use: maxsim, probability: {{slope: {slope}, intercept: 1.0}}}}\n"
    )
    with pytest.raises(PipelineError, match="'slope' takes"):
        parse_pipeline(text, "x.yaml")
