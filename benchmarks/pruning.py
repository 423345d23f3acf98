"""What pruning costs on SciFact, as it is and with a quarter of junk injected.

Each document is one passage, as published figures have it. The junk is that of
`benchmarks.injection`, none of which the judgements know: nine kinds of boilerplate and copies,
and in a second set two kinds of noise with them, garbled copies and filler, which nothing that
needs no model finds. The default combination of estimators is tried beside pruning by lot and by
length. Its parts were chosen on train questions and on another drawing of junk; here are the test
questions.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.arguments import Arguments, arguments
from benchmarks.collection import judged
from benchmarks.injection import KINDS, NOISE, Injected, inject
from benchmarks.record import Record
from rag.config import load_pipeline
from rag.curve import CONTROLS, curve
from rag.evaluate.beir import read_beir
from rag.evaluate.tradeoff import Curve
from rag.types import Document

_PLAIN, _JUNK, _WITH_NOISE = "as it is", "boilerplate and copies", "and noise"
_TRIED = {"bm25": (_JUNK, _PLAIN, _WITH_NOISE), "hybrid": (_JUNK, _PLAIN)}
# Vectors make every index longer to build: there the pruners are tried without the controls.
_CONTROLS = {"bm25": CONTROLS, "hybrid": ()}
# An index is built for each share, pruner, pipeline and set: some shares have to do.
_SHARES = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5)
_MARGIN = 0.01
_INJECTED = 0.25
_SEED = 20_240
_QUICK_SHARES = (0.25, 0.5)
_BAR = 0.25
# What is kept is whole passages: a quarter of them may be a fraction of one less.
_ONE_PASSAGE = 0.001


def measure(given: Arguments) -> None:
    source = given.scifact()
    if source is None:
        return
    title = f"Pruning: SciFact, test questions, margin {_MARGIN} of nDCG@10"
    record = Record("pruning", title, given.quick)
    shares = _QUICK_SHARES if given.quick else _SHARES
    with judged(source, "test", quick=given.quick) as (folder, cache):
        sets = _sets(folder, cache)
        for pipeline, names in _TRIED.items():
            for name in names:
                found = _curve(sets[name], pipeline, shares, cache)
                _add(record, f"{pipeline}, {name}", found, barred=name == _JUNK)
                record.figures[f"{pipeline}, {name}"] = found.as_dict()
    record.figures["injected"] = {"share": _INJECTED, "seed": _SEED}
    record.write()


def _curve(folder: Path, pipeline: str, shares: Sequence[float], cache: Path) -> Curve:
    return curve(
        folder,
        load_pipeline(pipeline),
        shares=shares,
        margin=_MARGIN,
        controls=_CONTROLS[pipeline],
        cache=cache,
        progress=_say,
    )


def _add(record: Record, name: str, found: Curve, *, barred: bool) -> None:
    whole = found.whole.measures[found.measure]
    record.add(f"{name}: {found.measure}, nothing pruned", f"{whole.value:.4f}")
    for line in found.lines:
        # Without junk a pruned index may be better than the whole: a gain is no objection.
        shown = f"{line.not_worse:.1%} (two-sided: {line.equivalent:.1%})"
        reached = line.not_worse >= _BAR - _ONE_PASSAGE
        bar = (f">= {_BAR:.0%}", reached) if barred and not line.control else ()
        record.add(f"{name}: largest share without a loss of {_MARGIN}, {line.name}", shown, *bar)


def _sets(folder: Path, cache: Path) -> dict[str, Path]:
    """The dataset as it is, and with junk, which is written once."""
    sets = {_PLAIN: folder}
    for name, kinds in (
        (_JUNK, [kind for kind in KINDS if kind not in NOISE]),
        (_WITH_NOISE, KINDS),
    ):
        made = cache / f"{folder.name}-{len(kinds)}-kinds-{_SEED}"
        if not made.is_dir():
            draft = made.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            write_injected(folder, draft, "test", kinds)
            draft.rename(made)
        sets[name] = made
    return sets


def write_injected(folder: Path, made: Path, split: str, kinds: Sequence[str] = KINDS) -> None:
    """A BEIR folder like `folder`, a quarter of whose documents are junk."""
    (made / "qrels").mkdir(parents=True)
    for name in (f"qrels/{split}.tsv", "queries.jsonl", "corpus.jsonl"):
        shutil.copy(folder / name, made / name)
    with (made / "corpus.jsonl").open("a", encoding="utf-8") as lines:
        for one in inject(list(_documents(folder, split)), _INJECTED, _SEED, kinds=kinds):
            lines.write(json.dumps(_line(one)) + "\n")


def _line(injected: Injected) -> dict[str, str]:
    """The text of a copy begins with the title of its original already."""
    title = "" if injected.of else injected.document.title
    return {"_id": injected.document.id, "title": title, "text": injected.document.text}


def _documents(folder: Path, split: str) -> Iterator[Document]:
    dataset = read_beir(folder, split)
    assert dataset.documents is not None
    return dataset.documents()


def _say(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    measure(arguments(__doc__))
