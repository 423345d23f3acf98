"""Every way of cutting on the span sets: what is found in five passages, and how much besides.

All registered chunkers at the sizes of Chroma's table, with the same encoder, by meaning, by
words and by both, over all questions (as Chroma has it) and over those of each text.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.record import Record
from rag.config import Pipeline, parse_pipeline
from rag.evaluate.intervals import Interval, bootstrap_mean
from rag.evaluate.result import PipelineResult
from rag.registry import names
from rag.trial import evaluate

_MEASURES: Mapping[str, str] = {
    "token-recall@5": "recall",
    "token-precision@5": "precision",
    "precision-omega": "omega",
    "IoU@5": "IoU",
    "answer-in-top-5": "in top 5",
}
_SIZES = (200, 250)
_QUERIES: Mapping[str, Any] = {
    "dense": [{"retrieve": {"use": "dense", "k": 100}}],
    "bm25": [{"retrieve": {"use": "bm25", "k": 100}}],
    "hybrid": [
        {
            "retrieve": {
                "fuse": {"use": "convex", "alpha": 0.5},
                "of": [{"use": "bm25", "k": 100}, {"use": "dense", "k": 100}],
            }
        }
    ],
}
# Our best is to find this much while reading no more than this much in vain.
_RECALL, _PRECISION = 0.80, 0.065
_ALL = "all"
_QUICK_TEXT, _QUICK_QUESTIONS = "chatlogs", 10
# all-MiniLM-L6-v2, means over five texts, three of which are here (Smith and Troynikov, 2024).
_LABELS = ("recall", "precision", "omega", "IoU")
_PUBLISHED: Mapping[str, tuple[float, float, float, float]] = {
    "recursive 200/0": (0.757, 0.065, 0.312, 0.065),
    "cluster 200/0": (0.752, 0.072, 0.336, 0.072),
    "recursive 250/0": (0.785, 0.054, 0.267, 0.054),
    "cluster 250/0": (0.773, 0.061, 0.286, 0.060),
    "tokens 250/125": (0.824, 0.036, 0.114, 0.035),
}

Chunk = Mapping[str, Any]


def cuts(size: int) -> Iterator[tuple[str, Chunk]]:
    """Every chunker at a size, by the name that the table has for it."""
    plain = {"max_tokens": size, "context": "none"}
    fixed = {"use": "fixed", **plain}
    structure = {"use": "structure", **plain}
    yield f"fixed {size}/0", fixed
    yield f"fixed {size}/0, headings", {**fixed, "context": "headings"}
    if size == _SIZES[-1]:
        yield f"fixed {size}/{size // 2}", {**fixed, "overlap": size // 2}
    yield f"sentence {size}/0", {"use": "sentence", **plain}
    yield f"structure {size}/0", structure
    yield f"structure {size}/0, headings", {**structure, "context": "headings"}
    for method in ("percentile", "optimum"):
        yield f"semantic, {method} {size}/0", {"use": "semantic", "method": method, **plain}
    yield f"late, fixed {size}/0", {"use": "late", "boundaries": fixed}
    yield f"late, structure {size}/0", {"use": "late", "boundaries": structure}


def measure(given: Arguments) -> None:
    folder = given.chunking()
    if folder is None:
        return
    record = Record("spans", "Cuts: what five passages hold of what is asked for", given.quick)
    judged: dict[str, Mapping[str, Interval]] = {}
    with TemporaryDirectory(prefix="ragline-") as place:
        cache = Path(place) / "cache"
        measured = _part(folder, Path(place) / "part") if given.quick else folder
        for name, chunk in _registered(quick=given.quick):
            report = evaluate(measured, _pipelines(name, chunk), cache=cache, progress=_say)
            for result in report.pipelines:
                found = _by_text(result)
                judged[result.name] = found[_ALL]
                record.add(result.name, f"{_shown(found[_ALL])} ({result.passages} passages)")
                record.figures[result.name] = {"passages": result.passages, **_plain(found)}
    for name, values in _PUBLISHED.items():
        shown = (f"{label} {value:.3f}" for label, value in zip(_LABELS, values, strict=True))
        record.add(f"published, five texts, dense: {name}", "; ".join(shown))
    _add_best(record, judged)
    record.write()


def _part(folder: Path, place: Path) -> Path:
    """One text and its first questions."""
    place.mkdir()
    shutil.copy(folder / f"{_QUICK_TEXT}.md", place)
    file = f"{_QUICK_TEXT}.questions.jsonl"
    lines = (folder / file).read_text("utf-8").splitlines(keepends=True)
    (place / file).write_text("".join(lines[:_QUICK_QUESTIONS]), "utf-8")
    return place


def _registered(*, quick: bool) -> Iterator[tuple[str, Chunk]]:
    """The cuts whose chunkers are there; for a quick run the plain ones of one size."""
    there = set(names("chunker"))
    for size in _SIZES[:1] if quick else _SIZES:
        for name, chunk in cuts(size):
            used = {chunk["use"], chunk.get("boundaries", chunk)["use"]}
            if not used <= there:
                print(f"left out: {name}: no such chunker is registered")
            elif not quick or name.startswith(("fixed", "structure")):
                yield name, chunk


def _pipelines(name: str, chunk: Chunk) -> list[Pipeline]:
    """One index, searched in each way."""
    index = {
        "chunk": chunk,
        "encode": {"use": "sentence-transformers", "model": "all-MiniLM-L6-v2"},
        "lexical": {"use": "bm25", "language": "english"},
    }
    return [
        parse_pipeline(
            json.dumps({"name": f"{name}, {arm}", "index": index, "query": query}), "spans"
        )
        for arm, query in _QUERIES.items()
    ]


def _by_text(result: PipelineResult) -> Mapping[str, Mapping[str, Interval]]:
    """Text -> measure -> its mean: of all questions, and of those of each text.

    A question's id is the name of its text, a colon, and its line.
    """
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for measure in _MEASURES:
        for query, value in result.per_query[measure].items():
            for text in (_ALL, query.rpartition(":")[0]):
                values[text][measure].append(value)
    return {
        text: {measure: bootstrap_mean(np.array(found)) for measure, found in measured.items()}
        for text, measured in values.items()
    }


def _plain(found: Mapping[str, Mapping[str, Interval]]) -> Mapping[str, Any]:
    return {
        text: {measure: asdict(interval) for measure, interval in measured.items()}
        for text, measured in found.items()
    }


def _shown(measured: Mapping[str, Interval]) -> str:
    return "; ".join(
        f"{label} {measured[name].value:.3f} [{measured[name].low:.3f}, {measured[name].high:.3f}]"
        for name, label in _MEASURES.items()
    )


def _add_best(record: Record, judged: Mapping[str, Mapping[str, Interval]]) -> None:
    """The best recall of those that are as precise as they have to be."""
    precise = {
        measured["token-recall@5"].value: name
        for name, measured in judged.items()
        if measured["token-precision@5"].value >= _PRECISION
    }
    best = max(precise, default=0.0)
    record.add(
        f"best recall at a precision of {_PRECISION:.3f} or more",
        f"{best:.3f} ({precise.get(best, 'none is so precise')})",
        f">= {_RECALL}",
        best >= _RECALL,
    )


def _say(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    measure(arguments(__doc__))
