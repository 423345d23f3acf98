"""How long a search takes in an index of 100,000 passages, and where the time goes.

Vectors come from a random encoder that costs nothing, so that all time is that of the search.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.corpus import FUNCTION_WORDS, Corpus
from benchmarks.record import Record
from benchmarks.timing import seconds, spread
from rag import Condition, Document, Rag
from rag.chunk.words import WordTokenizer
from rag.config import Component, Pipeline, Retrieve, load_pipeline
from rag.protocols import Vectors
from rag.store.store import Store
from rag.types import Failure, Item

_DIMENSION = 384
_TERMS = 8
_YEARS = 25
_MOST_MS = 25.0
PIPELINE = "hybrid"
_WARM_UP = 20


class RandomEncoder:
    """A unit vector for each text, drawn with the text's hash as seed: see `Encoder`."""

    dimension = _DIMENSION
    fingerprint = "random"
    tokenizer = WordTokenizer()

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one."""
        vectors = np.stack([self._draw(text) for text in texts])
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    encode_queries = encode_passages

    def _draw(self, text: str) -> Vectors:
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
        return np.random.default_rng(seed).standard_normal(_DIMENSION, dtype=np.float32)


class Texts:
    """A connector of texts in memory, each a document with a year."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def items(self) -> Iterator[Item | Failure]:
        """Every text."""
        for number, text in enumerate(self._texts):
            name = f"{number:07}"
            document = Document(name, name, text, metadata={"year": 2000 + number % _YEARS})
            yield Item(name, name, "1", partial(_same, document))

    def covers(self, source: str) -> bool:
        """The index holds nothing else."""
        return True


def _same(document: Document) -> Document:
    return document


def measure(given: Arguments) -> None:
    count, rounds, asked = (2_000, 2, 20) if given.quick else (100_000, 3, 100)
    record = Record("query", f"Query time: {count:,} passages", given.quick)
    texts = list(Corpus().passages(count))
    pipeline = load_pipeline(PIPELINE)
    with TemporaryDirectory(prefix="ragline-") as place:
        rag = Rag.open(place, pipeline=pipeline, encoder=RandomEncoder())
        built = rag.index(Texts(texts))
        record.figures["index"] = {
            k: v for k, v in rag.status().items() if k not in ("encoder", "folder", "runs")
        }
        record.add("passages indexed", f"{built.passages:,} in {built.seconds:.0f} s")
        calls = _searches(Path(place), pipeline) | _parts(Path(place), pipeline)
        times = _rounds(calls, questions(texts, asked), rounds)
    for name, per_round in times.items():
        add_times(record, name, per_round, _MOST_MS if name == PIPELINE else None)
    record.write()


def add_times(
    record: Record,
    name: str,
    per_round: Sequence[Sequence[float]],
    most_ms: float | None = None,
) -> None:
    """The median and the 95th percentile of each round's seconds, in milliseconds."""
    middle, slow = (
        spread([float(np.percentile(times, q)) * 1000 for times in per_round]) for q in (50, 95)
    )
    barred = () if most_ms is None else (f"<= {most_ms:.0f} ms", middle.median <= most_ms)
    record.add(f"{name}: p50", middle.text("ms"), *barred)
    record.add(f"{name}: p95", slow.text("ms"))
    record.figures[name] = {"p50_ms": middle.median, "p95_ms": slow.median}


Ask = Callable[[str], object]


def _searches(place: Path, pipeline: Pipeline) -> dict[str, Ask]:
    """`Rag.search` by both arms, by each alone, and with filters."""
    (retrieve, *rest) = pipeline.stages
    assert isinstance(retrieve, Retrieve)

    def alone(arm: Component) -> Ask:
        return _opened(place, replace(pipeline, stages=(Retrieve((arm,)), *rest))).search

    search = _opened(place, pipeline).search
    few = [Condition("year", "=", 2010)]
    most = [Condition("year", ">=", 2010)]
    return {
        PIPELINE: search,
        **{f"{arm.use} alone": alone(arm) for arm in retrieve.arms},
        f"{PIPELINE}, filter that 4 % pass": lambda text: search(text, few),
        f"{PIPELINE}, filter that 60 % pass": lambda text: search(text, most),
    }


def _opened(place: Path, pipeline: Pipeline) -> Rag:
    return Rag.open(place, pipeline=pipeline, encoder=RandomEncoder())


def _parts(place: Path, pipeline: Pipeline) -> dict[str, Ask]:
    """What a search is made of, below the facade."""
    assert pipeline.lexical is not None
    encoder = RandomEncoder()
    store = Store(place, pipeline.lexical.build(), dense=True)

    def lexical(text: str) -> list[tuple[int, float]]:
        with store.view(lambda: encoder) as view:
            assert view.generation.lexical is not None
            return view.generation.lexical.search(dict.fromkeys(view.terms(text), 1.0), 100)

    def dense(text: str) -> list[tuple[int, float]]:
        with store.view(lambda: encoder) as view:
            assert view.generation.dense is not None
            return view.generation.dense.search(encoder.encode_queries([text])[0], 100)

    random = np.random.default_rng(1)

    def fetch(text: str) -> object:
        with store.rows() as rows:
            return rows.passages(random.integers(1, rows.meta("passages"), 100).tolist())

    return {
        "part: BM25 structure, 100 rows": lexical,
        "part: vectors, 100 rows": dense,
        "part: fetching 100 passages": fetch,
    }


def questions(texts: Sequence[str], count: int) -> list[str]:
    """Terms that occur together in some passage."""
    random = np.random.default_rng(2)
    questions = []
    for text in (texts[i] for i in random.integers(0, len(texts), count)):
        words = sorted(set(text.lower().replace(".", " ").split()).difference(FUNCTION_WORDS))
        questions.append(" ".join(random.permutation(words)[:_TERMS]))
    return questions


def _rounds(
    calls: dict[str, Ask], questions: Sequence[str], rounds: int
) -> dict[str, list[list[float]]]:
    """Seconds of every question by call and round; calls take turns round by round."""
    times: dict[str, list[list[float]]] = {name: [] for name in calls}
    for ask in calls.values():
        for question in questions[:_WARM_UP]:
            ask(question)
    for _ in range(rounds):
        for name, ask in calls.items():
            times[name].append([seconds(partial(ask, question)) for question in questions])
    return times


if __name__ == "__main__":
    measure(arguments(__doc__))
