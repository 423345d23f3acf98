"""A batch of questions against the same questions one at a time: XQuAD on its own paragraphs.

Both run in one process, in turns, through the same pipeline, and every answer of the one is
compared with that of the other. Models are warm. Where the time of single questions goes is told
too: what the encoder takes of it, for questions and for the sentences of passages.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import Arguments, arguments
from benchmarks.record import Record
from benchmarks.timing import seconds, spread
from rag import Answer, Rag, Unanswered
from rag.config import load_pipeline
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.protocols import Vectors

_FILE = "xquad.en.json"
_PIPELINE = "hybrid"
_QUESTIONS, _QUICK_QUESTIONS = 1_000, 40
_ROUNDS, _QUICK_ROUNDS = 3, 1
_BAR = 4.0
# Vectors of one text in batches of different shapes may differ by so much, and so may scores.
_TOLERANCE = 1e-5
_WARM_UP = 5


class TimedEncoder(SentenceTransformersEncoder):
    """Tells how long it encodes, and how many texts."""

    def __init__(self) -> None:
        super().__init__()
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.seconds = {"questions": 0.0, "sentences": 0.0}
        self.texts = {"questions": 0, "sentences": 0}

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Questions."""
        started = time.perf_counter()
        vectors = super().encode_queries(texts)
        self._add("questions", time.perf_counter() - started, len(texts))
        return vectors

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Sentences of passages, and passages while there is no index yet."""
        started = time.perf_counter()
        vectors = super().encode_passages(texts)
        self._add("sentences", time.perf_counter() - started, len(texts))
        return vectors

    def _add(self, what: str, taken: float, texts: int) -> None:
        self.seconds[what] += taken
        self.texts[what] += texts


def measure(given: Arguments) -> None:
    folder = given.xquad()
    if folder is None:
        return
    record = Record("batch", "A batch against one question at a time: XQuAD", given.quick)
    texts, asked = _read(folder / _FILE, _QUICK_QUESTIONS if given.quick else _QUESTIONS)
    texts = texts[:_QUICK_QUESTIONS] if given.quick else texts
    encoder = TimedEncoder()
    with TemporaryDirectory(prefix="ragline-") as place:
        documents = Path(place) / "documents"
        documents.mkdir()
        for number, text in enumerate(texts):
            (documents / f"{number:03}.txt").write_text(text, "utf-8")
        pipeline = load_pipeline(_PIPELINE)
        with closing(Rag.open(Path(place) / "index", pipeline=pipeline, encoder=encoder)) as rag:
            rag.index(documents)
            _measure(record, rag, encoder, asked, _QUICK_ROUNDS if given.quick else _ROUNDS)
    record.write()


def _read(file: Path, number: int) -> tuple[list[str], list[str]]:
    """Every paragraph, and so many of the questions, drawn without repeating one."""
    articles = json.loads(file.read_text("utf-8"))["data"]
    paragraphs = [one for article in articles for one in article["paragraphs"]]
    questions = list(dict.fromkeys(qa["question"] for one in paragraphs for qa in one["qas"]))
    return [one["context"] for one in paragraphs], random.Random(1).sample(questions, number)


def _measure(
    record: Record, rag: Rag, encoder: TimedEncoder, asked: Sequence[str], rounds: int
) -> None:
    for question in asked[:_WARM_UP]:
        rag.ask(question)
    alone: list[Answer] = []
    together: list[Answer | Unanswered] = []
    times: dict[str, list[float]] = {"alone": [], "batch": []}
    parts: dict[str, list[dict[str, float]]] = {"alone": [], "batch": []}
    for _ in range(rounds):
        for name, run in (
            ("alone", lambda: alone.extend(map(rag.ask, asked))),
            ("batch", lambda: together.extend(rag.batch(asked))),
        ):
            encoder.forget()
            times[name].append(seconds(run))
            parts[name].append({**encoder.seconds, **_counts(encoder)})
    _report(record, times, parts, len(asked))
    different = sum(1 for _ in _different(alone, together))
    record.add("answers that differ", f"{different} of {len(alone)}", "0", different == 0)
    record.figures["different"] = different


def _counts(encoder: TimedEncoder) -> dict[str, float]:
    return {f"{name} encoded": count for name, count in encoder.texts.items()}


def _report(
    record: Record,
    times: dict[str, list[float]],
    parts: dict[str, list[dict[str, float]]],
    questions: int,
) -> None:
    faster = spread([a / b for a, b in zip(times["alone"], times["batch"], strict=True)])
    record.add(
        f"{questions} questions: times as fast", faster.text("x"), f">= {_BAR:g}",
        faster.median >= _BAR,
    )  # fmt: skip
    for name, label in (("alone", "one at a time"), ("batch", "batch")):
        took, first = spread(times[name]), parts[name][0]
        record.add(label, took.text("s"))
        shares = "; ".join(
            f"{what} {first[what] / times[name][0]:.0%} ({first[f'{what} encoded']:,.0f} encoded)"
            for what in ("questions", "sentences")
        )
        record.add(f"{label}: share of encoding", shares)
        record.figures[name] = {"seconds": times[name], "encoding": parts[name]}


def _different(alone: Sequence[Answer], together: Sequence[Answer | Unanswered]) -> Iterator[str]:
    """Questions whose answer, citations, hits or scores are not the same both ways."""
    for one, other in zip(alone, together, strict=True):
        if not isinstance(other, Answer) or not _same(one, other):
            yield one.question


def _same(one: Answer, other: Answer) -> bool:
    passages = [[hit.passage for hit in answer.hits] for answer in (one, other)]
    said = [
        (answer.question, answer.text, answer.abstained, answer.citations)
        for answer in (one, other)
    ]
    scores = zip(
        [one.score, *(hit.score for hit in one.hits)],
        [other.score, *(hit.score for hit in other.hits)],
        strict=False,
    )
    close = all(abs(a - b) <= _TOLERANCE for a, b in scores)
    return said[0] == said[1] and passages[0] == passages[1] and close


if __name__ == "__main__":
    measure(arguments(__doc__))
