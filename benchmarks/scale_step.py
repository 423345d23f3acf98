"""One step of the benchmark of scale, in a process of its own: what it found, as JSON.

python -m benchmarks.scale_step STEP FOLDER SIZE [--dense KIND]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.synthetic import (
    PASSAGES,
    ParagraphChunker,
    ProjectingEncoder,
    SyntheticCorpus,
    SyntheticSource,
)
from benchmarks.timing import own, resident, seconds
from rag import Rag
from rag.config import Pipeline, Retrieve, load_pipeline
from rag.cores import cores
from rag.protocols import Vectors
from rag.store.dense import DenseIndex

ADDED = 1_000
_ASKED = 200
# As many before the clock starts: pages of files that most questions touch are in memory then.
_WARM_UP = 200
_FOR_RECALL = 100
_READ = 50
_K = 10
_ENCODER = ProjectingEncoder()


def opened(folder: Path, kind: str, stages: Callable[[Pipeline], Pipeline] | None = None) -> Rag:
    """The index: the preset hybrid in English, with vectors that cost next to nothing."""
    overrides = ["index.lexical.language=en", f"index.dense.use={kind}"]
    pipeline = load_pipeline("hybrid", overrides)
    given = pipeline if stages is None else stages(pipeline)
    return Rag(folder, given, _ENCODER, ParagraphChunker(), workers=0)


def build(folder: Path, size: int, kind: str) -> dict[str, Any]:
    """Index documents that make about `size` passages."""
    with closing(opened(folder, kind)) as rag:
        report = rag.index(SyntheticSource("base", 0, size // PASSAGES))
    return {"seconds": report.seconds, "passages": report.passages, "characters": report.read}


def add(folder: Path, size: int, kind: str) -> dict[str, Any]:
    """Index about a thousand more."""
    first = size // PASSAGES
    with closing(opened(folder, kind)) as rag:
        source = SyntheticSource("more", first, first + ADDED // PASSAGES)
        taken = seconds(lambda: rag.index(source))
    return {"seconds": taken}


def remove(folder: Path, _: int, kind: str) -> dict[str, Any]:
    """Remove them again, as a source that is empty does."""
    with closing(opened(folder, kind)) as rag:
        taken = seconds(lambda: rag.index(SyntheticSource("more", 0, 0)))
    return {"seconds": taken}


def disk(folder: Path, _: int, kind: str) -> dict[str, Any]:
    """Bytes of the tables, and of the files of the search structures by their ending."""
    inodes = {}
    for path in folder.rglob("*"):
        if path.is_file():
            status = path.stat()
            inodes[status.st_ino] = (path, status.st_size)
    parts: dict[str, int] = defaultdict(int)
    for path, size in inodes.values():
        if path.name != "index.db":
            parts[f"{path.parent.name}: {path.suffix or path.name}"] += size
    with closing(sqlite3.connect(folder / "index.db")) as database:
        sql = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
        free = database.execute("PRAGMA freelist_count").fetchone()[0]
        parts |= {f"table: {name}": int(size) for name, size in database.execute(sql)}
        parts["table: free pages"] = free * 4_096
    largest = dict(sorted(parts.items(), key=lambda pair: -pair[1]))
    return {"bytes": sum(size for _, size in inodes.values()), "parts": largest, "kind": kind}


def query(folder: Path, size: int, kind: str) -> dict[str, Any]:
    """Times without encoding, memory after all questions, and recall against all vectors."""
    every = SyntheticCorpus().questions(_WARM_UP + _ASKED, size // PASSAGES)
    before, questions = every[:_WARM_UP], every[_WARM_UP:]
    _ENCODER.encode_queries(before)
    started = time.perf_counter()
    rags = {name: opened(folder, kind, stages) for name, stages in _arms().items()}
    rags["hybrid"].search(before[0])
    found: dict[str, Any] = {"opening": time.perf_counter() - started}
    for name, rag in rags.items():
        for question in before:
            rag.search(question)
        times = [_searched(rag, question) for question in questions]
        found[name] = {f"p{q}_ms": float(np.percentile(times, q)) * 1_000 for q in (50, 95)}
        if name == "hybrid":
            found |= {"rss": resident(), "own": own()}
        rag.close() if name != "dense" else None
    found["recall"] = _recall(rags["dense"], questions[:_FOR_RECALL])
    codes = max(folder.glob("generations/0*")).glob("dense/*.structure")
    found["codes"] = sum(path.stat().st_size for path in codes)
    found["reading_ms"] = _reading(found["codes"]) * 1_000
    return found


def _reading(size: int) -> float:
    """Seconds that so many bytes of memory take to be read by all cores."""
    parts = np.array_split(np.ones(size // 8), cores())
    with ThreadPoolExecutor(len(parts)) as threads:
        times = [seconds(lambda: [*threads.map(np.sum, parts)]) for _ in range(_READ)]
    return float(np.median(times))


def _arms() -> dict[str, Callable[[Pipeline], Pipeline] | None]:
    return {"hybrid": None, "bm25": lambda one: _alone(one, 0), "dense": lambda one: _alone(one, 1)}


def _alone(pipeline: Pipeline, arm: int) -> Pipeline:
    (retrieve, *rest) = pipeline.stages
    assert isinstance(retrieve, Retrieve)
    return replace(pipeline, stages=(Retrieve((retrieve.arms[arm],)), *rest))


def _searched(rag: Rag, question: str) -> float:
    """Seconds of a search, without those of encoding the question."""
    taken = seconds(lambda: rag.search(question))
    return taken - seconds(lambda: _ENCODER.encode_queries([question]))


def _recall(rag: Rag, questions: Sequence[str]) -> float:
    """The share of the ten nearest vectors that are found."""
    vectors = _ENCODER.encode_queries(questions)
    with rag._view() as view:
        assert view.generation.dense is not None
        nearest = _nearest(view.generation.dense, vectors)
        found = [{row for row, _ in view.generation.dense.search(one, _K)[:_K]} for one in vectors]
    hits = [len(own & set(best)) for own, best in zip(found, nearest.tolist(), strict=True)]
    return sum(hits) / (_K * len(questions))


def _nearest(dense: DenseIndex, queries: Vectors) -> Any:
    """Rows of the ten nearest `(m, 10)`, by comparing everything."""
    scores = np.full((len(queries), _K), -np.inf, np.float32)
    rows = np.zeros((len(queries), _K), np.int64)
    for block, vectors in dense.vectors():
        scores = np.hstack([scores, queries @ vectors.T])
        rows = np.hstack([rows, np.broadcast_to(block, (len(queries), len(block)))])
        best = np.argpartition(-scores, _K - 1, axis=1)[:, :_K]
        scores, rows = np.take_along_axis(scores, best, 1), np.take_along_axis(rows, best, 1)
    return rows


def change(folder: Path, _: int, kind: str) -> dict[str, Any]:
    """Make the search structures anew, as another kind of dense index."""
    with closing(opened(folder, kind)) as rag:
        return {"seconds": seconds(rag.repair)}


STEPS = {
    "build": build,
    "add": add,
    "remove": remove,
    "disk": disk,
    "query": query,
    "change": change,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("size", type=int)
    parser.add_argument("--dense", default="auto")
    given = parser.parse_args()
    print(json.dumps(STEPS[given.step](given.folder, given.size, given.dense)))


if __name__ == "__main__":
    main()
