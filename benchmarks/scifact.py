"""Retrieval quality of the presets on SciFact's test questions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.arguments import Arguments, arguments
from benchmarks.collection import judged
from benchmarks.record import Record
from rag.config import load_pipeline
from rag.trial import evaluate

# all-MiniLM-L6-v2's nDCG@10 as published (Reimers and Gurevych); more would be as wrong as less.
_PUBLISHED, _TOLERANCE = 0.645, 0.003
_BARS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "bm25": (">= 0.675", lambda value: value >= 0.675),
    "dense": (
        f"{_PUBLISHED} ± {_TOLERANCE}",
        lambda value: abs(value - _PUBLISHED) <= _TOLERANCE,
    ),
    "hybrid": (">= 0.73", lambda value: value >= 0.73),
}


def measure(given: Arguments) -> None:
    source = given.scifact()
    if source is None:
        return
    record = Record("scifact", "Retrieval quality: SciFact, test questions", given.quick)
    with judged(source, "test", quick=given.quick) as (folder, cache):
        pipelines = [load_pipeline(name) for name in _BARS]
        for units in ("documents", "passages"):
            report = evaluate(folder, pipelines, units=units, cache=cache, progress=_say).as_dict()
            _add(record, units, report)
            record.figures[units] = report
    record.write()


def _add(record: Record, units: str, report: Mapping[str, Any]) -> None:
    """The bars are those of published figures, which are made on whole documents."""
    for pipeline in report["pipelines"]:
        bar, holds = _BARS[pipeline["name"]]
        for name, interval in pipeline["measures"].items():
            shown = f"{interval['value']:.4f} [{interval['low']:.3f}, {interval['high']:.3f}]"
            judged_here = name == "nDCG@10" and units == "documents"
            barred = (bar, holds(interval["value"])) if judged_here else ()
            record.add(f"{pipeline['name']}, {units}: {name}", shown, *barred)


def _say(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    measure(arguments(__doc__))
