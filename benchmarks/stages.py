"""What the stages of a query that need no model add to the time of its retrievers.

Each retriever finds 50 of 10,000 made-up passages. Vectors are random, so that hardly a passage
is found twice: some 100 hits are fused, and reach the stages after. What the retrievers take is
clocked and left out; all else counts: fusion, notes, hits, and stored vectors that a selector
reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.corpus import Corpus
from benchmarks.query import RandomEncoder, Texts
from benchmarks.record import Record
from benchmarks.timing import spread
from rag import Passage, Query, Rag
from rag.fuse.complement import ComplementFuser
from rag.fuse.convex import ConvexFuser
from rag.fuse.rrf import RrfFuser
from rag.pipeline import run
from rag.protocols import Fuser, Ranked, Retriever, View
from rag.retrieve.bm25 import Bm25Retriever
from rag.retrieve.dense import DenseRetriever
from rag.select.distinct import DistinctSelector
from rag.select.documents import DocumentsSelector
from rag.select.mmr import MmrSelector
from rag.select.per_document import PerDocumentSelector
from rag.stages.cut import CutStage
from rag.stages.rerank import EarlyExit, RerankStage
from rag.stages.retrieve import RetrieveStage
from rag.stages.select import SelectStage
from rag.stages.stage import Stage
from rag.store.store import Store
from rag.store.tantivy import TantivyEngine

_FOUND = 50
_CANDIDATES = 2 * _FOUND
_MOST_MS = 3.0
_TOGETHER = "all of them in one pipeline"
_PLAIN = "fuse: convex, rerank with an early exit, per-document, cut"

Times = Mapping[str, list[float]]


@dataclass(slots=True)
class Clocked:
    """A retriever that notes how long it takes."""

    retriever: Retriever
    seconds: list[float] = field(default_factory=list)

    def retrieve(self, query: Query, view: View) -> Ranked:
        """What the retriever finds."""
        started = perf_counter()
        found = self.retriever.retrieve(query, view)
        self.seconds.append(perf_counter() - started)
        return found


class Lengths:
    """A reranker that costs nothing: longer is better."""

    def score(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
        """The number of each passage's characters."""
        return [float(len(one.text)) for one in passages]


_FUSERS: Mapping[str, Fuser] = {
    "fuse: convex": ConvexFuser(),
    "fuse: convex, theoretical": ConvexFuser(normalise="theoretical"),
    "fuse: rrf": RrfFuser(),
    "fuse: complement": ComplementFuser(),
}
_AFTER: Mapping[str, Stage] = {
    "rerank with an early exit": RerankStage(
        "lengths", Lengths(), _CANDIDATES, weight=0.5, early_exit=EarlyExit(10, 10)
    ),
    "select: distinct": SelectStage("distinct", DistinctSelector()),
    "select: mmr": SelectStage("mmr", MmrSelector()),
    "select: per-document": SelectStage("per-document", PerDocumentSelector()),
    "select: documents": SelectStage("documents", DocumentsSelector(score="top")),
    "cut to 8": CutStage(8),
}
_CHEAP = ("rerank with an early exit", "select: per-document", "cut to 8")


def measure(given: Arguments) -> None:
    passages, rounds, asked = (1_000, 2, 20) if given.quick else (10_000, 5, 200)
    record = Record("stages", f"Stages without models: {_CANDIDATES} candidates", given.quick)
    corpus = Corpus()
    texts = list(corpus.passages(passages))
    questions = [Query(" ".join(text.split()[:8])) for text in texts[:asked]]
    with TemporaryDirectory(prefix="ragline-") as place:
        with closing(Rag.open(place, encoder=RandomEncoder())) as rag:
            record.add("passages indexed", f"{rag.index(Texts(texts)).passages:,}")
        with closing(Store(Path(place), TantivyEngine(language="auto"), dense=True)) as store:
            _report(record, [_round(store, questions) for _ in range(rounds + 1)][1:])
    record.write()


def _report(record: Record, rounds: Sequence[Times]) -> None:
    """Medians over questions, spread over rounds."""
    for name in rounds[0]:
        found = spread([float(np.median(one[name])) * 1000 for one in rounds])
        barred = name in {_PLAIN, _TOGETHER}
        bar = (f"<= {_MOST_MS:.0f} ms", found.median <= _MOST_MS) if barred else ()
        record.add(name, found.text("ms"), *bar)
        record.figures[name] = found.median


def _round(store: Store, questions: Sequence[Query]) -> Times:
    """Seconds of each stage, and of all, for every question."""
    encoder = RandomEncoder()
    times: dict[str, list[float]] = {name: [] for name in (*_FUSERS, *_AFTER, _PLAIN, _TOGETHER)}
    for query in questions:
        with store.view(lambda: encoder) as view:
            for name, fuser in _FUSERS.items():
                times[name].append(_beyond_the_arms(fuser, (), query, view)[0])
            plain = [stage for name, stage in _AFTER.items() if name in _CHEAP]
            times[_PLAIN].append(_beyond_the_arms(ConvexFuser(), plain, query, view)[0])
            seconds, steps = _beyond_the_arms(ConvexFuser(), tuple(_AFTER.values()), query, view)
            times[_TOGETHER].append(seconds)
            for name, step in zip(_AFTER, steps, strict=True):
                times[name].append(step)
    return times


def _beyond_the_arms(
    fuser: Fuser, after: Sequence[Stage], query: Query, view: View
) -> tuple[float, list[float]]:
    """Seconds of the pipeline without its retrievers', and those of each stage after them."""
    arms = [Clocked(Bm25Retriever(k=_FOUND)), Clocked(DenseRetriever(k=_FOUND))]
    retrieve = RetrieveStage([("bm25", arms[0]), ("dense", arms[1])], ("fuse", fuser))
    started = perf_counter()
    ranking = run([retrieve, *after], query, view)
    seconds = perf_counter() - started - sum(sum(arm.seconds) for arm in arms)
    return seconds, [step.seconds for step in ranking.steps[1:]]


if __name__ == "__main__":
    measure(arguments(__doc__))
