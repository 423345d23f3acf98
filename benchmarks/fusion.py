"""Fusers compared on SciFact's train questions, to choose the default weight.

The arms are asked once; every fuser then works on what they found. Test questions are not
touched. Each fuser is compared with the best; p-values are corrected for their number (Holm).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.collection import judged
from benchmarks.record import Record
from rag import Hit
from rag.config import load_pipeline
from rag.corpus import DatasetConnector
from rag.evaluate.aggregate import documents
from rag.evaluate.beir import BeirDataset, read_beir
from rag.evaluate.intervals import Values, bootstrap_mean, holm, paired_difference
from rag.evaluate.measures import evaluate, run_from_rankings
from rag.protocols import Fuser
from rag.registry import load
from rag.trial import Units, open_trial

_ALPHAS = tuple(step / 10 for step in range(1, 10))
_NORMALISATIONS = ("min-max", "z-score")
_ARMS = ("bm25", "dense")
_EVERYTHING = "query.cut.k=1000"

Found = Mapping[str, Sequence[Hit]]


def measure(given: Arguments) -> None:
    source = given.scifact()
    if source is None:
        return
    record = Record("fusion", "Fusion: nDCG@10 on SciFact, train questions", given.quick)
    with judged(source, "train", quick=given.quick) as (folder, cache):
        dataset = read_beir(folder, "train")
        for units in ("documents", "passages"):
            _compare(record, units, dataset, _ask(dataset, cache, units))
    record.figures["questions"] = len(dataset.queries)
    record.write()


def _compare(record: Record, units: Units, dataset: BeirDataset, found: Found) -> None:
    values = {name: _ndcg(dataset, found, fuser) for name, fuser in _fusers().items()}
    best = max(values, key=lambda name: values[name].mean())
    behind = {name: paired_difference(values[name], values[best]) for name in values}
    corrected = holm([difference.p for difference in behind.values()])
    for (name, per_query), p in zip(values.items(), corrected, strict=True):
        interval = bootstrap_mean(per_query)
        shown = f"{interval.value:.4f} [{interval.low:.3f}, {interval.high:.3f}]"
        note = "best" if name == best else f"{behind[name].difference:+.4f}, p = {p:.3f}"
        record.add(f"{units}: {name}", f"{shown} ({note})")
        record.figures[f"{units}: {name}"] = {
            **asdict(interval), **asdict(behind[name]), "p_holm": p
        }  # fmt: skip
    record.figures[f"{units}: best"] = best


def _ask(dataset: BeirDataset, place: Path, units: Units) -> Found:
    """Everything that the two arms find for each question, each hit with its place in each."""
    rag = open_trial(dataset, load_pipeline("hybrid", [_EVERYTHING]), place, units)
    rag.index(DatasetConnector(dataset))
    found = {query: rag.search(text).hits for query, text in dataset.queries.items()}
    rag.close()
    return found


def _fusers() -> dict[str, Fuser]:
    convex = load("fuser", "convex")
    fusers: dict[str, Fuser] = {
        f"convex, {normalise}, alpha {alpha}": convex(alpha=alpha, normalise=normalise)
        for normalise in _NORMALISATIONS
        for alpha in _ALPHAS
    }
    return {**fusers, "rrf": load("fuser", "rrf")()}


def _ndcg(dataset: BeirDataset, found: Found, fuser: Fuser) -> Values:
    rankings = {query: _fused(fuser, hits) for query, hits in found.items()}
    per_query = evaluate(dataset.qrels, run_from_rankings(rankings))["nDCG@10"]
    return np.array([per_query[query] for query in dataset.queries], np.float64)


def _fused(fuser: Fuser, hits: Sequence[Hit]) -> list[str]:
    arms = [_arm(name, hits) for name in _ARMS]
    return documents([Hit(passage, score) for passage, score in fuser.fuse(arms)])


def _arm(name: str, hits: Sequence[Hit]) -> list[Hit]:
    """What one arm found, as it found it."""
    own = sorted((hit for hit in hits if name in hit.stages), key=lambda h: h.stages[name].rank)
    return [Hit(hit.passage, hit.stages[name].score) for hit in own]


if __name__ == "__main__":
    measure(arguments(__doc__))
