"""Pages found in PDF files by the presets: FinanceBench, whose documents are whole filings."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.arguments import Arguments, arguments
from benchmarks.record import Record
from rag.config import load_pipeline
from rag.rag import DEFAULT_PIPELINE
from rag.trial import evaluate

_PRESETS = ("bm25", "dense", "hybrid")
_MEASURE, _BAR = "page-hit@10", 0.75


def measure(given: Arguments) -> None:
    folder = given.financebench()
    if folder is None:
        return
    record = Record("financebench", "Pages found: FinanceBench's questions", given.quick)
    presets = [load_pipeline(name) for name in (_PRESETS[:1] if given.quick else _PRESETS)]
    with tempfile.TemporaryDirectory(prefix="ragline-") as cache:
        report = evaluate(folder, presets, cache=Path(cache), progress=_say).as_dict()
    for pipeline in report["pipelines"]:
        for name, interval in pipeline["measures"].items():
            shown = f"{interval['value']:.3f} [{interval['low']:.2f}, {interval['high']:.2f}]"
            judged = pipeline["name"] == DEFAULT_PIPELINE and name == _MEASURE
            bar = (f">= {_BAR}", interval["value"] >= _BAR) if judged else ()
            record.add(f"{pipeline['name']}: {name}", shown, *bar)
    record.figures = report
    record.write()


def _say(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    measure(arguments(__doc__))
