"""Datasets of spans and of SQuAD through a whole trial, with words alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.config import parse_pipeline
from rag.trial import evaluate

PIPELINE = """
name: words
index:
  chunk: {use: fixed, max_tokens: 8, context: none}
  lexical: {use: bm25, language: english}
query:
  - retrieve: {use: bm25, k: 10}
  - cut: {k: 1}
answer: {use: extractive, sentences: 1, min_score: 0.3}
"""
TEXT = "The ferry leaves at noon. The lamp burns whale oil. Bikes go free on Sunday."


def test_a_trial_on_spans_cuts_the_texts_and_measures_the_index(tmp_path: Path) -> None:
    reference = {"content": "burns whale oil", "start_index": 35, "end_index": 50}
    record = {"question": "What does the lamp burn?", "references": [reference]}
    (tmp_path / "harbour.txt").write_text(TEXT)
    (tmp_path / "harbour.questions.jsonl").write_text(json.dumps(record))
    (result,) = evaluate(tmp_path, [parse_pipeline(PIPELINE, "words")]).pipelines
    assert (result.documents, result.passages) == (1, 3)
    # The sentence has 25 characters, 15 of them in the reference, and is the one that is found.
    assert {name: interval.value for name, interval in result.measures.items()} == {
        "token-recall@5": 1.0,
        "token-precision@5": pytest.approx(15 / 25),
        "IoU@5": pytest.approx(15 / 25),
        "answer-in-top-1": 1.0,
        "answer-in-top-5": 1.0,
        "precision-omega": pytest.approx(15 / 25),
    }


def test_a_trial_on_squad_cuts_the_paragraphs_and_asks(tmp_path: Path) -> None:
    answer = {"text": "whale oil", "answer_start": 41}
    questions = [
        {"id": "1", "question": "What does the lamp burn?", "answers": [answer]},
        {"id": "2", "question": "Who is king?", "answers": [], "is_impossible": True},
    ]
    data = [{"title": "Harbour", "paragraphs": [{"context": TEXT, "qas": questions}]}]
    path = tmp_path / "harbour.json"
    path.write_text(json.dumps({"version": "v2.0", "data": data}))
    (result,) = evaluate(path, [parse_pipeline(PIPELINE, "words")]).pipelines
    assert (result.documents, result.passages) == (1, 3)
    assert result.per_query == {
        "answer-in-top-1": {"1": 1.0},
        "answer-in-top-5": {"1": 1.0},
        "answer-in-top-10": {"1": 1.0},
        "exact-match": {"1": 0.0, "2": 1.0},
        # "lamp burns whale oil" without its article: two of four words are right.
        "F1": {"1": pytest.approx(2 / 3), "2": 1.0},
        "answer-contained": {"1": 1.0},
        "abstains": {"2": 1.0},
    }
