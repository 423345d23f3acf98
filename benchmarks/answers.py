"""Answers to the questions of `sample_corpus`, and abstention where there is nothing to answer.

Every answerable question is asked twice: as it is, and with its documents filtered away, as if
they were missing. All are asked without a threshold, and thresholds, the default's first, are
applied to the scores of the answers. `rag.evaluate.rightness` says which quotes are right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.arguments import CHECKOUT, Arguments, arguments
from benchmarks.record import Record
from rag import Answer, Condition, Rag
from rag.answer.extractive import MIN_SCORE
from rag.config import load_pipeline
from rag.encode.cache import CachedEncoder
from rag.evaluate.aggregate import documents
from rag.evaluate.beir import read_beir
from rag.evaluate.intervals import bootstrap_mean
from rag.evaluate.jsonl import records
from rag.evaluate.rightness import is_right
from rag.registry import load

_CORPUS = CHECKOUT / "sample_corpus"
_PRESETS = ("bm25", "hybrid")
_THRESHOLDS = tuple(round(0.25 + 0.05 * step, 2) for step in range(8))
_TOP = 5
_QUICK = 10
_OFF_TOPIC = (
    "How long does banana bread have to bake?",
    "Who painted the ceiling of the Sistine Chapel?",
    "What is the boiling point of mercury?",
    "How do I reverse a linked list in Java?",
    "Which team won the football World Cup in 1998?",
    "What is the derivative of the natural logarithm?",
    "How often should I water a cactus?",
    "Who wrote the opera about the barber of Seville?",
    "What are the symptoms of iron deficiency?",
    "How many moons does Jupiter have?",
    "Which chess opening begins with moving the king's pawn?",
    "Wie backt man einen Apfelstrudel?",
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the sample corpus; `documents` are all that hold its answer."""

    text: str
    kind: str
    answer: str
    evidence: tuple[str, ...]
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What one answer was worth."""

    kind: str
    found: bool
    first: bool
    some: bool
    score: float


def measure(given: Arguments) -> None:
    record = Record("answers", "Answers and abstention: the sample corpus", given.quick)
    questions = _questions(_QUICK if given.quick else None)
    for preset in _PRESETS[: 1 if given.quick else None]:
        with _indexed(preset) as rag:
            _report(record, preset, *_asked(rag, questions))
    record.write()


def _questions(per_kind: int | None) -> list[Question]:
    """The questions; with `per_kind` only so many of the answerable and of the others."""
    qrels = read_beir(_CORPUS).qrels
    found = [
        Question(
            text=fields["text"],
            kind=fields["kind"],
            answer=fields["answer"],
            evidence=tuple(fields["evidence"]),
            documents=tuple(dict.fromkeys([*fields["documents"], *qrels.get(fields["_id"], ())])),
        )
        for _, fields in records(_CORPUS / "questions.jsonl")
    ]
    answerable = (question for question in found if question.documents)
    unanswerable = (question for question in found if not question.documents)
    return [*islice(answerable, per_kind), *islice(unanswerable, per_kind)]


@contextmanager
def _indexed(preset: str) -> Iterator[Rag]:
    """The corpus under a preset; sentences that several questions meet are encoded once."""
    pipeline = load_pipeline(preset, ["answer.min_score=0"])
    with TemporaryDirectory(prefix="ragline-") as place:
        encoder = CachedEncoder(pipeline.encode.build(), Path(place)) if pipeline.encode else None
        rag = Rag.open(Path(place) / "index", pipeline=pipeline, encoder=encoder)
        rag.index(load("connector", "files")(paths=[_CORPUS], base=_CORPUS))
        yield rag
        rag.close()


def _asked(
    rag: Rag, questions: Sequence[Question]
) -> tuple[list[Judged], Mapping[str, Sequence[float]]]:
    """The answerable questions judged, and the scores where there is nothing to answer."""
    answerable = [question for question in questions if question.documents]
    judged = [_judged(question, rag.ask(question.text)) for question in answerable]
    silent = {
        "unanswerable": [rag.ask(one.text).score for one in questions if not one.documents],
        "documents missing": [_without(rag, question).score for question in answerable],
        "off-topic": [rag.ask(text).score for text in _OFF_TOPIC],
    }
    return judged, silent


def _without(rag: Rag, question: Question) -> Answer:
    missing = [Condition("source", "!=", source) for source in question.documents]
    return rag.ask(question.text, filters=missing)


def _judged(question: Question, answer: Answer) -> Judged:
    right = [
        is_right(citation.quote, question.answer, question.evidence)
        for citation in answer.citations
    ]
    return Judged(
        kind=question.kind,
        found=not set(question.documents).isdisjoint(documents(answer.hits)[:_TOP]),
        first=any(right[:1]),
        some=any(right),
        score=answer.score,
    )


def _report(
    record: Record,
    preset: str,
    judged: Sequence[Judged],
    silent: Mapping[str, Sequence[float]],
) -> None:
    figures: dict[str, Any] = {"threshold": MIN_SCORE}
    found = {"right document in the top 5": [one.found for one in judged]}
    for name, values in {**found, **_decided(MIN_SCORE, judged, silent)}.items():
        interval = bootstrap_mean(np.array(values, np.float64))
        shown = f"{interval.value:.3f} [{interval.low:.2f}, {interval.high:.2f}]"
        record.add(f"{preset}: {name}", f"{shown} of {len(values)}")
        figures[name] = {**asdict(interval), "of": len(values)}
    figures["kinds"] = {}
    for kind in dict.fromkeys(one.kind for one in judged):
        of_kind = [one for one in judged if one.kind == kind]
        shares = _shares({"found": [one.found for one in of_kind], **_decided(MIN_SCORE, of_kind)})
        record.add(f"{preset}, {kind} ({len(of_kind)})", _shown(shares))
        figures["kinds"][kind] = {**shares, "of": len(of_kind)}
    figures["thresholds"] = {}
    for threshold in _THRESHOLDS:
        shares = _shares(_decided(threshold, judged, silent))
        record.add(f"{preset}, threshold {threshold:.2f}", _shown(shares))
        figures["thresholds"][f"{threshold:.2f}"] = shares
    record.figures[preset] = figures


def _decided(
    threshold: float,
    judged: Sequence[Judged],
    silent: Mapping[str, Sequence[float]] = MappingProxyType({}),
) -> Mapping[str, list[bool]]:
    """What a threshold makes of the answers. An abstention is never right for a question."""
    answered = [one.score >= threshold for one in judged]
    return {
        "first quote is right": [one.first and one.score >= threshold for one in judged],
        "any quote is right": [one.some and one.score >= threshold for one in judged],
        "answered": answered,
        **{
            f"abstained, {name}": [score < threshold for score in scores]
            for name, scores in silent.items()
        },
    }


def _shares(decided: Mapping[str, Sequence[bool]]) -> Mapping[str, float]:
    return {name: round(float(np.mean(values)), 4) for name, values in decided.items()}


def _shown(shares: Mapping[str, float]) -> str:
    return "; ".join(f"{name} {share:.2f}" for name, share in shares.items())


if __name__ == "__main__":
    measure(arguments(__doc__))
