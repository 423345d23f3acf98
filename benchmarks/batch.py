"""A batch of questions against the same questions one at a time: XQuAD on its own paragraphs.

Both run in one process through the same pipeline. One at a time is slow, so that only some of the
questions, drawn by chance, are asked so, half of them before the batch and half after it; their
time is scaled to all, and their answers are compared with those of the batch. Models are warm.
Where the time of single questions goes is told too: what the encoder takes of it, for questions
and for the sentences of passages.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import Arguments, arguments
from benchmarks.record import Record
from benchmarks.timing import seconds
from rag import Answer, Rag, Unanswered
from rag.config import load_pipeline
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.protocols import TokenVectors, Vectors

_FILE = "xquad.en.json"
_PIPELINE = "hybrid"
_QUESTIONS, _QUICK_QUESTIONS = 1_000, 40
_ALONE, _QUICK_ALONE = 150, 10
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

    def encode_query_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """Tokens of questions."""
        return self._timed("questions", super().encode_query_tokens(texts), len(texts))

    def encode_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """Tokens of sentences."""
        return self._timed("sentences", super().encode_tokens(texts), len(texts))

    def _timed(
        self, what: str, tokens: Iterator[TokenVectors], texts: int
    ) -> Iterator[TokenVectors]:
        started = time.perf_counter()
        found = list(tokens)
        self._add(what, time.perf_counter() - started, texts)
        return iter(found)

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
            _measure(record, rag, encoder, asked, _QUICK_ALONE if given.quick else _ALONE)
    record.write()


def _read(file: Path, number: int) -> tuple[list[str], list[str]]:
    """Every paragraph, and so many of the questions, drawn without repeating one."""
    articles = json.loads(file.read_text("utf-8"))["data"]
    paragraphs = [one for article in articles for one in article["paragraphs"]]
    questions = list(dict.fromkeys(qa["question"] for one in paragraphs for qa in one["qas"]))
    return [one["context"] for one in paragraphs], random.Random(1).sample(questions, number)


def _measure(
    record: Record, rag: Rag, encoder: TimedEncoder, asked: Sequence[str], number: int
) -> None:
    drawn = random.Random(2).sample(asked, number)
    for question in asked[:_WARM_UP]:
        rag.ask(question)
    single: list[Answer] = []
    together: list[Answer | Unanswered] = []
    alone: Counter[str] = Counter()
    alone.update(_timed(encoder, lambda: single.extend(map(rag.ask, drawn[: number // 2]))))
    batch = _timed(encoder, lambda: together.extend(rag.batch(asked)))
    alone.update(_timed(encoder, lambda: single.extend(map(rag.ask, drawn[number // 2 :]))))
    _report(record, {"one at a time": (number, alone), "batch": (len(asked), batch)})
    same = dict(zip(asked, together, strict=True))
    different = sum(1 for _ in _different(single, [same[one] for one in drawn]))
    record.add("answers that differ", f"{different} of {number}", "0", different == 0)
    record.figures["different"] = different


def _timed(encoder: TimedEncoder, run: Callable[[], None]) -> Counter[str]:
    """Seconds of `run`, and of them what encoding took, with the number of texts."""
    encoder.forget()
    told = Counter({"seconds": seconds(run)})
    told.update({f"{name}: seconds": value for name, value in encoder.seconds.items()})
    told.update({f"{name}: texts": value for name, value in encoder.texts.items()})
    return told


def _report(record: Record, runs: Mapping[str, tuple[int, Counter[str]]]) -> None:
    each = {name: told["seconds"] / number for name, (number, told) in runs.items()}
    faster = each["one at a time"] / each["batch"]
    number = runs["batch"][0]
    record.add(
        f"{number} questions: times as fast", f"{faster:.1f}x", f">= {_BAR:g}", faster >= _BAR
    )
    for name, (asked, told) in runs.items():
        record.add(f"{name}, a question of {asked}", f"{each[name] * 1000:.0f} ms")
        shares = "; ".join(
            f"{what} {told[f'{what}: seconds'] / told['seconds']:.0%} "
            f"({told[f'{what}: texts']:,} encoded)"
            for what in ("questions", "sentences")
        )
        record.add(f"{name}: share of encoding", shares)
        record.figures[name] = {"questions": asked, **told}
    record.figures["times as fast"] = faster


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
