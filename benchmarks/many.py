"""Many searches at once against one at a time: SciFact's claims on its own abstracts.

Both run in one process through the same pipeline, with warm models. One at a time is slow, so that
only some of the questions, drawn by lot, are searched so, half of them before the others and half
after; their time is scaled to all, and their rankings are compared. A cross-encoder has the size
of the MiniLM ones with six layers, and random weights. The dense index alone is asked for vectors
made by chance, one by one and in blocks of as many as gather at most.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.record import Record
from benchmarks.reranking import save_model
from benchmarks.timing import interleaved, seconds, spread
from rag import Rag, Ranking, Unanswered
from rag.config import load_pipeline
from rag.protocols import Vectors
from rag.store.dense import DenseEngine, DenseEntries, DenseIndex

_PIPELINE = "hybrid"
# About two passages each.
_DOCUMENTS, _QUICK_DOCUMENTS = 2_600, 100
_VECTORS, _QUICK_VECTORS = 100_000, 10_000
_DIMENSION, _K, _BLOCK, _ROUNDS = 384, 200, 64, 5
_TOP = 30
# Vectors of one text in batches of different shapes may differ by so much, and so may scores.
_TOLERANCE = 1e-5
_WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Size:
    """How many questions are searched together, and how many of them alone too."""

    together: int
    alone: int


_SIZES = {"hybrid": Size(1_000, 200), "hybrid + cross-encoder": Size(120, 40)}
_QUICK_SIZES = {"hybrid": Size(60, 20), "hybrid + cross-encoder": Size(6, 2)}


def measure(given: Arguments) -> None:
    scifact = given.scifact()
    if scifact is None:
        return
    record = Record("many", "Many searches at once against one at a time: SciFact", given.quick)
    sizes = _QUICK_SIZES if given.quick else _SIZES
    with TemporaryDirectory(prefix="ragline-") as folder:
        place = Path(folder)
        _dense(record, place / "dense", _QUICK_VECTORS if given.quick else _VECTORS)
        documents = _written(scifact, place, _QUICK_DOCUMENTS if given.quick else _DOCUMENTS)
        asked = _questions(scifact)
        with closing(Rag.open(place / "index", pipeline=_PIPELINE)) as rag:
            record.figures["passages"] = rag.index(documents).passages
            _compare(record, "hybrid", rag, asked, sizes["hybrid"])
            name = "hybrid + cross-encoder"
            with closing(_reranking(rag, save_model(place / "model"))) as reranking:
                _compare(record, name, reranking, asked, sizes[name])
    record.write()


def _written(scifact: Path, place: Path, number: int) -> Path:
    folder = place / "documents"
    folder.mkdir()
    with (scifact / "corpus.jsonl").open(encoding="utf-8") as lines:
        for at, line in enumerate(islice(lines, number)):
            one = json.loads(line)
            (folder / f"{at:05}.txt").write_text(f"{one['title']}\n\n{one['text']}", "utf-8")
    return folder


def _questions(scifact: Path) -> list[str]:
    """The claims, in an order by lot."""
    with (scifact / "queries.jsonl").open(encoding="utf-8") as lines:
        texts = list(dict.fromkeys(json.loads(line)["text"] for line in lines))
    random.Random(1).shuffle(texts)
    return texts


def _reranking(rag: Rag, model: str) -> Rag:
    """The same index, whose first hits a cross-encoder puts in order."""
    plain: Any = load_pipeline(_PIPELINE).as_dict()["query"]
    stage = {"rerank": {"use": "cross-encoder", "model": model, "top": _TOP}}
    query = json.dumps([plain[0], stage, *plain[1:]])
    pipeline = load_pipeline(_PIPELINE, [f"query={query}"])
    return Rag(rag.folder, pipeline, sharing=rag)


def _compare(record: Record, name: str, rag: Rag, asked: Sequence[str], size: Size) -> None:
    asked = asked[: size.together]
    drawn = random.Random(2).sample(list(asked), size.alone)
    for question in asked[:_WARM_UP]:
        # The vectors of questions are remembered.
        rag.search(f"{question} ?")
    half = size.alone // 2
    alone: list[Ranking] = []
    together: list[Ranking | Unanswered] = []
    taken = seconds(lambda: alone.extend(map(rag.search, drawn[:half])))
    many = seconds(lambda: together.extend(rag.search_many(asked))) / size.together
    taken += seconds(lambda: alone.extend(map(rag.search, drawn[half:])))
    single = taken / size.alone
    record.add(f"{name}: {size.together:,} questions, times as fast", f"{single / many:.2f}")
    record.add(f"{name}: a question alone", f"{single * 1000:.1f} ms")
    record.add(f"{name}: a question among many", f"{many * 1000:.1f} ms")
    found = dict(zip(asked, together, strict=True))
    moved, apart = _differing(alone, [found[question] for question in drawn])
    share = f"{moved} of {size.alone}"
    record.add(f"{name}: rankings in another order", share)
    record.add(f"{name}: scores apart", f"{apart:.1e}", f"\u2264 {_TOLERANCE}", apart <= _TOLERANCE)
    record.figures[name] = {"alone": single, "together": many, "moved": moved, "apart": apart}


def _differing(
    alone: Sequence[Ranking], together: Sequence[Ranking | Unanswered]
) -> tuple[int, float]:
    """How many rankings have another order, and how far scores of the same passage are apart."""
    moved, apart = 0, 0.0
    for one, other in zip(alone, together, strict=True):
        if isinstance(other, Unanswered):
            return len(alone), float("inf")
        moved += [hit.passage.id for hit in one.hits] != [hit.passage.id for hit in other.hits]
        scores = {hit.passage.id: hit.score for hit in one.hits}
        both = (hit for hit in other.hits if hit.passage.id in scores)
        apart = max([apart, *(abs(hit.score - scores[hit.passage.id]) for hit in both)])
    return moved, apart


def _dense(record: Record, folder: Path, number: int) -> None:
    """Vectors alone, one by one and in blocks."""
    vectors = _unit(number)
    rows = np.arange(number, dtype=np.int64)
    engine = DenseEngine()
    engine.update(None, folder, rows[:0], DenseEntries(rows, rows, vectors))
    index = engine.open(folder)
    asked = _unit(_BLOCK, vectors)
    times = interleaved(
        {
            "alone": lambda: [index.search(one, _K) for one in asked],
            "together": lambda: index.search_many(asked, _K),
        },
        _ROUNDS,
    )
    ratios = [a / b for a, b in zip(times["alone"], times["together"], strict=True)]
    name = f"{number:,} vectors, {_BLOCK} questions"
    record.add(f"{name}: times as fast in one search", spread(ratios).text(""))
    for how, taken in times.items():
        each = spread([one / _BLOCK * 1000 for one in taken])
        record.add(f"{name}: a question {how}", each.text("ms"))
    different = sum(1 for _ in _apart(index, asked))
    record.add(f"{name}: results that differ", f"{different} of {_BLOCK}", "0", different == 0)
    record.figures["dense"] = {**times, "different": different}


def _apart(index: DenseIndex, asked: Vectors) -> Iterator[int]:
    for at, found in enumerate(index.search_many(asked, _K)):
        if [row for row, _ in found] != [row for row, _ in index.search(asked[at], _K)]:
            yield at


def _unit(number: int, near: Vectors | None = None) -> Vectors:
    """Unit vectors by chance, or near to the first of others."""
    chance = np.random.default_rng(number)
    made: Vectors = chance.standard_normal((number, _DIMENSION)).astype(np.float32)
    made = made if near is None else near[:number] + made / np.float32(20)
    unit: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


if __name__ == "__main__":
    measure(arguments(__doc__))
