"""Pairs of several questions, scored together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tiny_models import QUESTION, TEXTS, save_pairs

from rag import Rag, Ranking
from rag.rerank.cross_encoder import CrossEncoderReranker
from rag.types import Passage

# Batches of other shapes change the last digits.
TOLERANCE = 1e-5
SECONDS = 20


def test_rankings_of_many_questions_are_those_of_one(tmp_path: Path, encoder_folder: Path) -> None:
    """Batches of other shapes change the last digits, and nothing else."""
    model = save_pairs(tmp_path / "pairs")
    stage = f"{{rerank: {{use: cross-encoder, model: '{model}', device: cpu, top: 7}}}}"
    for number, text in enumerate(TEXTS):
        (tmp_path / f"{number}.txt").write_text(text)
    given = [
        "index.lexical.language=en",
        f"index.encode.model={encoder_folder}",
        f"query=[{{retrieve: {{of: [{{use: bm25}}, {{use: dense}}]}}}}, {stage}]",
    ]
    with Rag.open(tmp_path / ".rag", pipeline="hybrid", overrides=given, workers=0) as rag:
        rag.index(*tmp_path.glob("*.txt"))
        asked = [f"{text} {QUESTION}" for text in TEXTS] * 3
        found = list(rag.search_many(asked))
        for one, text in zip(found, asked, strict=True):
            assert isinstance(one, Ranking)
            alone = rag.search(text)
            scores = {hit.passage.id: hit.score for hit in alone.hits}
            assert {hit.passage.id for hit in one.hits} == set(scores)
            for hit in one.hits:
                assert hit.score == pytest.approx(scores[hit.passage.id], abs=TOLERANCE)


def test_pairs_that_wait_are_scored_together(tmp_path: Path) -> None:
    reranker = CrossEncoderReranker(model=str(save_pairs(tmp_path / "pairs")), device="cpu")
    passages = [Passage(str(n), 0, 9, f"the ferry {n}") for n in range(4)]
    asked = ["when does the ferry leave ?", "who lights the lamp ?", "x"]
    expected = [reranker.score(one, passages) for one in asked]
    begun, gate = threading.Event(), threading.Event()
    pairs: list[int] = []
    model = reranker._model
    score = model.pair_scores

    def watched(given: Sequence[tuple[str, str]], lengths: Sequence[int]) -> Any:
        pairs.append(len(given))
        begun.set()
        assert gate.wait(SECONDS)
        return score(given, lengths)

    model.pair_scores = watched  # type: ignore[method-assign, assignment]
    found: dict[str, list[float]] = {}
    threads = [
        threading.Thread(target=lambda one=one: found.update({one: reranker.score(one, passages)}))
        for one in asked
    ]
    threads[0].start()
    assert begun.wait(SECONDS)
    for thread in threads[1:]:
        thread.start()
    for _ in range(SECONDS * 100):
        if reranker._gatherer.waiting == 2:
            break
        threading.Event().wait(0.01)
    gate.set()
    for thread in threads:
        thread.join(SECONDS)
    assert pairs == [4, 8]
    for one, scores in zip(asked, expected, strict=True):
        assert found[one] == pytest.approx(scores, abs=TOLERANCE)
