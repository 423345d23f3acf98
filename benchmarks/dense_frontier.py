"""Kinds of dense index against each other: time, recall, size, memory and time of building.

Vectors are made of real ones, those of sentences, in the manner of real ones: `a + u * b`, with
`a` and `b` two sentences drawn by chance and `u` from 0 to 1, and noise of length 0.3. Questions
are sentences that nothing was made of. Random vectors are the hardest case, beside them.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.arguments import parser
from benchmarks.plots import Lines, plot
from benchmarks.record import Record
from benchmarks.timing import resident, spread
from rag.config import Component, load_pipeline
from rag.protocols import Ids, Vectors
from rag.sentences import boundaries
from rag.store.dense import DenseEngine, DenseEntries
from rag.types import Document

_DIMENSION = 384
_QUESTIONS = 200
_SENTENCES = 15_000
_OF_A_TEXT = 5
_NOISE = 0.3
_BLOCK = 20_000
_K = 10
_MOST_MS, _LEAST_RECALL = 10.0, 0.98

# What is built, and what each is asked with.
_KINDS: Sequence[tuple[str, Mapping[str, Any], Sequence[Mapping[str, Any]]]] = (
    ("exact", {}, [{}]),
    ("pq", {"group": 2}, [{"candidates": count} for count in (200, 300, 1_000)]),
    ("pq", {"group": 4}, [{"candidates": count} for count in (1_000, 4_000)]),
    ("ivf", {"bits": 1}, [{"probed": probed} for probed in (32, 64, 128, 256)]),
    ("ivf", {"bits": 8}, [{"probed": probed} for probed in (32, 128)]),
    ("binary", {"bits": 1}, [{"candidates": count} for count in (100, 300, 1_000)]),
    ("binary", {"bits": 2}, [{"candidates": count} for count in (50, 150)]),
    ("binary", {"scoring": "hamming"}, [{"candidates": count} for count in (300, 1_000, 3_000)]),
    ("matryoshka", {"dimensions": 128}, [{"candidates": count} for count in (300, 1_000)]),
    ("two-tier", {"bits": 2}, [{"candidates": count} for count in (50, 150)]),
    ("hnsw", {"links": 16}, [{"ef": ef} for ef in (64, 128, 256)]),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a process found that asked every question: times, rows, and what it then held."""

    milliseconds: list[float]
    cpu: float
    rows: list[list[int]]
    resident: int


def measure(given: Namespace) -> None:
    sizes = [5_000] if given.quick else given.sizes
    record = Record("dense_frontier", "Kinds of dense index", given.quick)
    for name, sentences in (("like sentences", _sentences(given)), ("random", None)):
        if name == "like sentences" and sentences is None:
            continue
        for size in sizes:
            _measure(record, given, name, size, sentences)
    panels = [
        Lines(f"{title}", "median ms", "recall@10", series, log_x=True)
        for title, series in _series(record).items()
    ]
    if drawn := plot(record.folder / "dense_frontier.svg", panels):
        record.plots.append(drawn.name)
    record.write()


def _measure(
    record: Record, given: Namespace, name: str, size: int, sentences: Vectors | None
) -> None:
    with TemporaryDirectory(dir=given.scratch) as scratch:
        folder = Path(scratch)
        questions = _made(folder / "vectors.npy", size, sentences)
        exact: list[list[int]] = []
        for use, structure, searches in _KINDS:
            if use != "exact" and given.kinds and use not in given.kinds:
                continue
            started = time.perf_counter()
            place = _build(folder, use, structure)
            took = time.perf_counter() - started
            size_of = sum(path.stat().st_size for path in place.iterdir()) / size
            for search in searches:
                asked = _asked(use, {**structure, **search}, place, questions)
                exact = exact or asked.rows
                figures = {
                    "vectors": name, "size": size, "use": use, "options": {**structure, **search},
                    "build_s": round(took, 1), "bytes_per_vector": round(size_of),
                    "resident_mb": round(asked.resident / 1e6),
                    "p50_ms": round(spread(asked.milliseconds).median, 3),
                    "cpu_ms": round(asked.cpu, 3),
                    "recall": round(_recall(asked.rows, exact), 4),
                }  # fmt: skip
                _add(record, figures)
            for path in place.iterdir():
                path.unlink()


def _add(record: Record, figures: dict[str, Any]) -> None:
    record.figures.setdefault("measured", []).append(figures)
    options = ", ".join(f"{key}: {value}" for key, value in figures["options"].items())
    goal = figures["use"] == "pq"
    holds = figures["p50_ms"] <= _MOST_MS and figures["recall"] >= _LEAST_RECALL
    one = f"{figures['vectors']}, {figures['size']:,}: {figures['use']} ({options})"
    shown = (
        f"recall {figures['recall']:.3f}, {figures['p50_ms']:.1f} ms (CPU {figures['cpu_ms']:.1f}),"
        f" built in {figures['build_s']:.0f} s, {figures['bytes_per_vector']} bytes a vector, "
        f"{figures['resident_mb']} MB"
    )
    usual = figures["options"] == {"bits": 2, "candidates": 300}
    bar = f"recall >= {_LEAST_RECALL}, <= {_MOST_MS:.0f} ms" if goal and usual else ""
    record.add(one, shown, bar, holds if bar else None)
    print(one, shown, sep=": ", flush=True)


def _build(folder: Path, use: str, structure: Mapping[str, Any]) -> Path:
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    place = folder / f"{use}-{json.dumps(dict(structure), sort_keys=True)}".replace('"', "")
    rows = np.arange(1, len(vectors) + 1)
    engine = DenseEngine(_kind(use, structure))
    engine.update(None, place, np.empty(0, np.int64), DenseEntries(rows, rows, vectors))
    return place


def _kind(use: str, options: Mapping[str, Any]) -> Any:
    whole = {} if use == "exact" else {"exact_up_to": 0}
    pipeline = load_pipeline("dense", [f"index.dense={json.dumps({'use': use})}"])
    assert pipeline.dense is not None
    return Component("dense", use, {**pipeline.dense.options, **whole, **options}).build()


def _asked(use: str, options: Mapping[str, Any], place: Path, questions: Vectors) -> Asked:
    """Asked in a process of its own, so that what it holds is what this takes."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_ask, (use, options, place, questions))


def _ask(use: str, options: Mapping[str, Any], place: Path, questions: Vectors) -> Asked:
    engine = DenseEngine(_kind(use, options))
    before = resident()
    index = engine.open(place)
    # What is mapped is read from the disk once.
    for question in questions[:20]:
        index.search(question, _K)
    times, rows, cpu = [], [], time.process_time()
    for question in questions:
        started = time.perf_counter()
        found = index.search(question, _K)
        times.append(1_000 * (time.perf_counter() - started))
        rows.append([row for row, _ in found[:_K]])
    cpu = 1_000 * (time.process_time() - cpu) / len(questions)
    return Asked(times, cpu, rows, resident() - before)


def _recall(found: Sequence[Sequence[int]], exact: Sequence[Sequence[int]]) -> float:
    shares = [len({*one} & {*other}) / _K for one, other in zip(found, exact, strict=True)]
    return float(np.mean(shares))


def _made(path: Path, size: int, sentences: Vectors | None) -> Vectors:
    """Write `size` vectors in half precision, block by block; the questions about them."""
    chance = np.random.default_rng(0)
    made = np.lib.format.open_memmap(path, "w+", np.float16, (size, _DIMENSION))
    pool = None if sentences is None else sentences[_QUESTIONS:]
    for start in range(0, size, _BLOCK):
        count = min(_BLOCK, size - start)
        noise = _unit(chance.standard_normal((count, _DIMENSION), np.float32))
        if pool is not None:
            first, second = pool[chance.integers(len(pool), size=(2, count))]
            noise = first + chance.random((count, 1), np.float32) * second + _NOISE * noise
        made[start : start + count] = _unit(noise).astype(np.float16)
    made.flush()
    if sentences is not None:
        return sentences[:_QUESTIONS]
    return _unit(chance.standard_normal((_QUESTIONS, _DIMENSION), np.float32))


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _sentences(given: Namespace) -> Vectors | None:
    """Vectors of sentences by the default encoder, in an order drawn by chance."""
    if given.vectors:
        found = np.load(given.vectors)
    else:
        corpus = given.data / "scifact" / "corpus.jsonl"
        if not corpus.is_file():
            print("no 'scifact' folder in the data folder: random vectors alone")
            return None
        most = 600 if given.quick else _SENTENCES
        encode = load_pipeline("dense").encode
        assert encode is not None
        found = encode.build().encode_passages(list(islice(_texts(corpus), most)))
    order: Ids = np.random.default_rng(1).permutation(len(found))
    vectors: Vectors = _unit(found[order].astype(np.float32))
    return vectors


def _texts(corpus: Path) -> Iterator[str]:
    with corpus.open(encoding="utf-8") as lines:
        for line in lines:
            text = json.loads(line)["text"]
            ends = boundaries(Document("", "", text), 0, len(text), "en")
            for start, end in islice(pairwise([0, *ends]), _OF_A_TEXT):
                yield text[start:end]


def _series(record: Record) -> dict[str, dict[str, list[tuple[float, float]]]]:
    panels: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for one in record.figures.get("measured", []):
        structure = {k: v for k, v in one["options"].items() if k in {"bits", "scoring"}}
        name = " ".join([one["use"], *(f"{v}" for v in structure.values())])
        panel = panels.setdefault(f"{one['vectors']}, {one['size']:,}", {})
        panel.setdefault(name, []).append((one["p50_ms"], one["recall"]))
    return panels


def _arguments() -> Namespace:
    taken = parser(__doc__)
    taken.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    taken.add_argument("--kinds", nargs="+", default=[], help="default: all")
    taken.add_argument("--vectors", type=Path, help=".npy of sentences' vectors, to encode none")
    taken.add_argument("--scratch", type=Path, help="where indexes are built")
    return taken.parse_args()


if __name__ == "__main__":
    measure(_arguments())
