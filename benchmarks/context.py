"""What headings in front of passages change: nDCG@10 on SciFact's train questions, by arm."""

from __future__ import annotations

from benchmarks.arguments import Arguments, arguments
from benchmarks.collection import judged
from benchmarks.record import Record
from rag.config import load_pipeline
from rag.trial import evaluate

_WITHOUT = "index.chunk.context=none"


def measure(given: Arguments) -> None:
    source = given.scifact()
    if source is None:
        return
    record = Record(
        "context", "Headings as context: SciFact cut into passages, train questions", given.quick
    )
    with judged(source, "train", quick=given.quick) as (folder, cache):
        for name in ("bm25", "dense", "hybrid"):
            pair = [load_pipeline(name, [_WITHOUT]), load_pipeline(name)]
            report = evaluate(folder, pair, split="train", units="passages", cache=cache).as_dict()
            for label, result in zip(("without", "with"), report["pipelines"], strict=True):
                value = result["measures"]["nDCG@10"]
                shown = f"{value['value']:.4f} [{value['low']:.3f}, {value['high']:.3f}]"
                record.add(f"{name}, {label}", shown)
            (found,) = report["comparisons"]
            record.add(f"{name}: difference", f"{found['difference']:+.4f}, p = {found['p']:.3f}")
            record.figures[name] = report
    record.write()


if __name__ == "__main__":
    measure(arguments(__doc__))
