"""Answers as JSON, and back: all of an answer but what led to it."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from rag.types import Answer, Citation, Hit, Passage, StageScore, Statement


def written(answer: Answer) -> str:
    """`answer` as JSON. `seconds`, `query` and `steps` belong to one asking, and are left out."""
    record = {
        "question": answer.question,
        "text": answer.text,
        "abstained": answer.abstained,
        "score": float(answer.score),
        "citations": [_plain(one) for one in answer.citations],
        "statements": [_plain(one) for one in answer.statements],
        "hits": [_hit(one) for one in answer.hits],
    }
    return json.dumps(record, ensure_ascii=False)


def read(text: str) -> Answer:
    """The answer that was `written`. Raises ValueError, LookupError or TypeError for another."""
    record = json.loads(text)
    return Answer(
        question=record["question"],
        text=record["text"],
        abstained=record["abstained"],
        score=record["score"],
        citations=tuple(_made(Citation, one) for one in record["citations"]),
        statements=tuple(_made(Statement, one) for one in record["statements"]),
        hits=tuple(_read_hit(one) for one in record["hits"]),
    )


def _plain(one: Any) -> dict[str, Any]:
    return {field.name: getattr(one, field.name) for field in fields(one)}


def _made(kind: Any, record: dict[str, Any]) -> Any:
    """An object of `kind`; where it has sequences, they are tuples."""
    values = {key: tuple(one) if isinstance(one, list) else one for key, one in record.items()}
    return kind(**values)


def _passage(passage: Passage) -> dict[str, Any]:
    return {**_plain(passage), "metadata": dict(passage.metadata)}


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "passage": _passage(hit.passage),
        "score": float(hit.score),
        "stages": {name: [one.rank, float(one.score)] for name, one in hit.stages.items()},
        "found": [_passage(one) for one in hit.found],
    }


def _read_hit(record: dict[str, Any]) -> Hit:
    return Hit(
        _made(Passage, record["passage"]),
        record["score"],
        {name: StageScore(rank, score) for name, (rank, score) in record["stages"].items()},
        tuple(_made(Passage, one) for one in record["found"]),
    )
