"""Answers found in passages and quoted in sentences by the default pipeline: XQuAD in English."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import Arguments, arguments
from benchmarks.record import Record
from rag.config import load_pipeline
from rag.rag import DEFAULT_PIPELINE
from rag.trial import evaluate

_FILE = "xquad.en.json"
_MEASURE, _BAR = "answer-in-top-5", 0.95
_QUICK_ARTICLES = 3


def measure(given: Arguments) -> None:
    folder = given.xquad()
    if folder is None:
        return
    record = Record("xquad", "Answers found and quoted: XQuAD in English", given.quick)
    with TemporaryDirectory(prefix="ragline-") as place:
        file = _part(folder / _FILE, Path(place)) if given.quick else folder / _FILE
        pipeline = load_pipeline(DEFAULT_PIPELINE)
        report = evaluate(file, [pipeline], cache=Path(place) / "cache", progress=_say).as_dict()
    (result,) = report["pipelines"]
    for name, interval in result["measures"].items():
        shown = f"{interval['value']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"
        bar = (f">= {_BAR}", interval["value"] >= _BAR) if name == _MEASURE else ()
        record.add(f"{result['name']}: {name}", shown, *bar)
    record.figures = report
    record.write()


def _part(file: Path, place: Path) -> Path:
    """The first paragraph of some articles."""
    whole = json.loads(file.read_text("utf-8"))
    data = [
        {**article, "paragraphs": article["paragraphs"][:1]}
        for article in whole["data"][:_QUICK_ARTICLES]
    ]
    part = place / file.name
    part.write_text(json.dumps({**whole, "data": data}), "utf-8")
    return part


def _say(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    measure(arguments(__doc__))
