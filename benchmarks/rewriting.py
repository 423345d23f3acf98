"""Feedback against none on SciFact: chosen on the train questions, reported on the test questions.

Each arm is asked on its own, with feedback from its own best passages, the other arm's, or both;
`hybrid` fuses what they found as the preset does. For each of the three the setting with the
highest nDCG@10 on train is the one that is judged on test, whether or not it helps.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.collection import judged
from benchmarks.record import Record
from rag import Hit
from rag.config import Pipeline, parse_pipeline
from rag.corpus import DatasetConnector, WholeDocument
from rag.encode.cache import CachedEncoder
from rag.evaluate.aggregate import documents
from rag.evaluate.beir import BeirDataset, read_beir
from rag.evaluate.intervals import Values, bootstrap_mean, holm, paired_difference
from rag.evaluate.measures import evaluate, run_from_rankings
from rag.protocols import Encoder, Vectors
from rag.rag import Rag
from rag.registry import load
from rag.trial import index_place

_INDEX = """\
name: rewriting
index:
  chunk: {use: fixed}
  encode: {use: sentence-transformers, model: all-MiniLM-L6-v2}
  lexical: {use: bm25, language: auto}
query:
"""
_RETRIEVERS = {"lexical": "bm25", "dense": "dense"}
_WEIGHTS = {"lexical": "weight", "dense": "dense_weight"}
_SOURCES = ("own", "other", "both")
_SHARES = (0.2, 0.4)
_NONE = "none"

Found = dict[str, Sequence[Hit]]
"""What an arm found for each question."""


@dataclass(slots=True)
class Asked:
    """What the arms found by setting, and the median time of the rewriting, in milliseconds."""

    found: dict[str, dict[str, Found]] = field(default_factory=dict)
    milliseconds: dict[str, dict[str, float]] = field(default_factory=dict)


def measure(given: Arguments) -> None:
    source = given.scifact()
    if source is None:
        return
    record = Record("rewriting", "Feedback: nDCG@10 on SciFact, documents uncut", given.quick)
    chosen = _choose(record, source, quick=given.quick)
    _report(record, source, chosen, quick=given.quick)
    record.write()


def _choose(record: Record, source: Path, *, quick: bool) -> dict[str, tuple[str, str]]:
    """The best setting of each arm for each pipeline, on the train questions."""
    with judged(source, "train", quick=quick) as (folder, cache):
        dataset = read_beir(folder, "train")
        settings = {arm: list(_settings(arm)) for arm in _RETRIEVERS}
        asked = _ask(dataset, cache, settings)
    record.figures["train questions"] = len(dataset.queries)
    chosen = {}
    for pipeline, pairs in _pipelines(settings).items():
        values = {pair: _ndcg(dataset, _hits(asked, pipeline, pair)) for pair in pairs}
        chosen[pipeline] = max(pairs, key=lambda pair: values[pair].mean())
        _add(record, f"train, {pipeline}", values)
    for arm, times in asked.milliseconds.items():
        for setting, value in times.items():
            if setting != _NONE:
                record.add(f"time of feedback, {arm}: {setting}", f"{value:.1f} ms")
    record.figures["milliseconds"] = asked.milliseconds
    return chosen


def _report(
    record: Record, source: Path, chosen: Mapping[str, tuple[str, str]], *, quick: bool
) -> None:
    """The chosen settings and none on the test questions."""
    with judged(source, "test", quick=quick) as (folder, cache):
        dataset = read_beir(folder, "test")
        pairs = chosen.values()
        settings = {
            "lexical": list(dict.fromkeys([_NONE, *(pair[0] for pair in pairs)])),
            "dense": list(dict.fromkeys([_NONE, *(pair[1] for pair in pairs)])),
        }
        asked = _ask(dataset, cache, settings)
    record.figures["test questions"] = len(dataset.queries)
    for pipeline, pair in chosen.items():
        both = dict.fromkeys([(_NONE, _NONE), pair])
        values = {one: _ndcg(dataset, _hits(asked, pipeline, one)) for one in both}
        _add(record, f"test, {pipeline}", values)


def _settings(arm: str) -> Iterator[str]:
    yield _NONE
    for source, share in product(_SOURCES, _SHARES):
        yield f"source: {source}, {_WEIGHTS[arm]}: {share}"


def _pipelines(settings: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[str, str]]]:
    """Pairs of settings, of the lexical arm and of the dense one, for each pipeline."""
    return {
        "bm25": [(one, _NONE) for one in settings["lexical"]],
        "dense": [(_NONE, one) for one in settings["dense"]],
        "hybrid": list(product(settings["lexical"], settings["dense"])),
    }


def _add(record: Record, label: str, values: Mapping[tuple[str, str], Values]) -> None:
    """Each setting with its difference from none; p-values are corrected for their number."""
    base = values[_NONE, _NONE]
    differences = {pair: paired_difference(found, base) for pair, found in values.items()}
    pairs = [pair for pair in values if pair != (_NONE, _NONE)]
    corrected = dict(zip(pairs, holm([differences[pair].p for pair in pairs]), strict=True))
    for pair, found in values.items():
        interval, difference = bootstrap_mean(found), differences[pair]
        shown = f"{interval.value:.4f} [{interval.low:.3f}, {interval.high:.3f}]"
        if pair in corrected:
            shown += f" ({difference.difference:+.4f}, p = {corrected[pair]:.3f})"
        name = f"{label}: {_named(pair)}"
        record.add(name, shown)
        record.figures[name] = {
            **asdict(interval), **asdict(difference), "p_holm": corrected.get(pair)
        }  # fmt: skip


def _named(pair: tuple[str, str]) -> str:
    parts = [f"{arm} {one}" for arm, one in zip(_RETRIEVERS, pair, strict=True) if one != _NONE]
    return "; ".join(parts) or _NONE


def _ask(dataset: BeirDataset, place: Path, settings: Mapping[str, Sequence[str]]) -> Asked:
    """Every question to each arm under each of its settings."""
    plain = _pipeline("dense", _NONE)
    assert plain.encode is not None
    encoder = _Remembered(CachedEncoder(plain.encode.build(), place), dataset)
    folder = index_place(dataset, plain, place)
    with closing(Rag(folder, plain, encoder, WholeDocument())) as rag:
        rag.index(DatasetConnector(dataset))
    asked = Asked()
    for arm, names in settings.items():
        asked.found[arm], asked.milliseconds[arm] = {}, {}
        for name in names:
            with closing(Rag(folder, _pipeline(arm, name), encoder)) as rag:
                found = {query: rag.search(text) for query, text in dataset.queries.items()}
            asked.found[arm][name] = {query: ranking.hits for query, ranking in found.items()}
            seconds = [ranking.steps[0].seconds for ranking in found.values()]
            asked.milliseconds[arm][name] = statistics.median(seconds) * 1e3
    return asked


def _pipeline(arm: str, setting: str) -> Pipeline:
    rewrite = f"  - rewrite: {{use: feedback, arms: {arm}, {setting}}}\n"
    retrieve = f"  - retrieve: {{use: {_RETRIEVERS[arm]}, k: 200}}\n"
    return parse_pipeline(_INDEX + (rewrite if setting != _NONE else "") + retrieve, "rewriting")


class _Remembered:
    """An encoder that has encoded a dataset's questions already: the same vectors every time."""

    def __init__(self, encoder: Encoder, dataset: BeirDataset) -> None:
        self._encoder = encoder
        texts = list(dict.fromkeys(dataset.queries.values()))
        self._known = dict(zip(texts, encoder.encode_queries(texts), strict=True))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._known[text] for text in texts])


def _hits(asked: Asked, pipeline: str, pair: tuple[str, str]) -> Found:
    lexical, dense = asked.found["lexical"][pair[0]], asked.found["dense"][pair[1]]
    if pipeline != "hybrid":
        return lexical if pipeline == "bm25" else dense
    fuser = load("fuser", "convex")(alpha=0.5)
    return {
        query: [Hit(*one) for one in fuser.fuse([hits, dense[query]])]
        for query, hits in lexical.items()
    }


def _ndcg(dataset: BeirDataset, found: Mapping[str, Sequence[Hit]]) -> Values:
    run = run_from_rankings({query: documents(hits) for query, hits in found.items()})
    per_query = evaluate(dataset.qrels, run)["nDCG@10"]
    return np.array([per_query[query] for query in dataset.queries], np.float64)


if __name__ == "__main__":
    measure(arguments(__doc__))
