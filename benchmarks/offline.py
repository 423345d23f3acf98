"""What reranking gives without further weights: chosen on SciFact's train questions, shown on test.

Every hit of the hybrid preset's retrieval is scored once by each reranker that the encoder alone
makes possible; stages of different weights, depths and chains then work on these scores. The one
that is best on the train questions is compared with plain hybrid on the test questions.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.collection import judged
from benchmarks.record import Record
from rag.config import load_pipeline
from rag.corpus import DatasetConnector
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.evaluate.aggregate import documents
from rag.evaluate.beir import read_beir
from rag.evaluate.intervals import Values, bootstrap_mean, paired_difference
from rag.evaluate.measures import evaluate, run_from_rankings
from rag.fuse.convex import ConvexFuser
from rag.protocols import Fuser, TokenEncoder, TokenVectors
from rag.registry import load
from rag.stages.rerank import RerankStage
from rag.testing import MemoryView
from rag.trial import open_trial
from rag.types import Hit, Passage, Ranking

_DEPTH = 50
_TARGET = 0.75
_WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
_RERANKERS = ("maxsim", "sentences")
_FUSERS: Mapping[str, Fuser] = {
    "convex, alpha 0.4": ConvexFuser(alpha=0.4),
    "convex, alpha 0.6": ConvexFuser(alpha=0.6),
    "convex, z-score": ConvexFuser(normalise="z-score"),
    "convex, theoretical": ConvexFuser(normalise="theoretical"),
}

Scores = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A split: what hybrid found for each question, and what rerankers say of its first hits."""

    qrels: Mapping[str, Mapping[str, int]]
    rankings: Mapping[str, Ranking]
    scores: Mapping[str, Scores]


@dataclass(frozen=True, slots=True)
class Known:
    """A reranker whose scores are known."""

    scores: Mapping[str, float]

    def score(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
        """The scores."""
        return [self.scores[passage.id] for passage in passages]


class Remembering:
    """An encoder that keeps the tokens of the passages it has read: each is read once."""

    def __init__(self, encoder: TokenEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, TokenVectors] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._encoder, name)

    def encode_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """Tokens of passages."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(missing, self._encoder.encode_tokens(missing), strict=True))
        return (self._known[text] for text in texts)


def measure(given: Arguments) -> None:
    source = given.scifact()
    if source is None:
        return
    record = Record("offline", "Reranking without further weights: SciFact", given.quick)
    encoder = Remembering(SentenceTransformersEncoder())
    train, test = (_ask(source, split, given.quick, encoder) for split in ("train", "test"))
    on_train = _tried(train)
    best = max(on_train, key=lambda name: on_train[name].mean())
    _add(record, "train", on_train, [*on_train])
    on_test = _tried(test)
    _add(record, "test", on_test, list(dict.fromkeys(["hybrid", *_leaders(on_train), best])))
    value = float(on_test[best].mean())
    record.add(f"test: chosen on train: {best}", f"{value:.4f}", f">= {_TARGET}", value >= _TARGET)
    record.figures["chosen"] = best
    record.write()


def _leaders(values: Mapping[str, Values]) -> Iterator[str]:
    """The best weight of each way."""
    for way in dict.fromkeys(name.partition(" x ")[0] for name in values):
        same = [name for name in values if name.partition(" x ")[0] == way]
        yield max(same, key=lambda name: values[name].mean())


def _add(record: Record, split: str, values: Mapping[str, Values], shown: Sequence[str]) -> None:
    for name in shown:
        interval = bootstrap_mean(values[name])
        told = f"{interval.value:.4f} [{interval.low:.3f}, {interval.high:.3f}]"
        figures = asdict(interval)
        if name != "hybrid":
            against = paired_difference(values[name], values["hybrid"])
            told += f" ({against.difference:+.4f}, p = {against.p:.3f})"
            figures |= asdict(against)
        record.add(f"{split}: {name}", told)
        record.figures[f"{split}: {name}"] = figures


def _ask(source: Path, split: str, quick: bool, encoder: Remembering) -> Asked:
    with judged(source, split, quick=quick) as (folder, cache):
        dataset = read_beir(folder, split)
        rag = open_trial(dataset, load_pipeline("hybrid", ["query.cut.k=1000"]), cache)
        rag.index(DatasetConnector(dataset))
        rankings = {query: rag.search(text) for query, text in dataset.queries.items()}
        # Sentences of abstracts are many, and their vectors are kept with those of passages.
        givens = {"maxsim": encoder, "sentences": rag.encoder}
        scores = {
            name: {
                query: _scored(load("reranker", name)(encoder=givens[name]), ranking)
                for query, ranking in _told(rankings, f"{split}: {name}")
            }
            for name in _RERANKERS
        }
        rag.close()
    return Asked(dataset.qrels, rankings, scores)


def _told(rankings: Mapping[str, Ranking], what: str) -> Iterator[tuple[str, Ranking]]:
    for done, item in enumerate(rankings.items()):
        if sys.stderr.isatty():
            print(f"\r\033[K{what}: {done}/{len(rankings)}", end="", file=sys.stderr, flush=True)
        yield item


def _scored(reranker: object, ranking: Ranking) -> Mapping[str, float]:
    passages = [hit.passage for hit in ranking.hits[:_DEPTH]]
    scores = reranker.score(ranking.query.text, passages)  # type: ignore[attr-defined]
    return {passage.id: score for passage, score in zip(passages, scores, strict=True)}


def _tried(asked: Asked) -> dict[str, Values]:
    """nDCG@10 of each question under every way of reranking."""
    tried = {"hybrid": _ndcg(asked, asked.rankings)}
    for name, fuser in _FUSERS.items():
        tried[name] = _ndcg(asked, {q: _fused(one, fuser) for q, one in asked.rankings.items()})
    for weight in _WEIGHTS:
        for name in _RERANKERS:
            for top in (30, _DEPTH):
                moved = _reranked(asked, asked.rankings, name, weight, top)
                tried[f"{name}, top {top} x {weight}"] = _ndcg(asked, moved)
    for first in _WEIGHTS[:4]:
        moved = _reranked(asked, asked.rankings, "sentences", first, _DEPTH)
        for second in _WEIGHTS[:4]:
            chained = _reranked(asked, moved, "maxsim", second, 30)
            tried[f"sentences, then maxsim x {first}, {second}"] = _ndcg(asked, chained)
    return tried


def _reranked(
    asked: Asked, rankings: Mapping[str, Ranking], name: str, weight: float, top: int
) -> Mapping[str, Ranking]:
    view = MemoryView()
    return {
        query: RerankStage(name, Known(asked.scores[name][query]), top, weight)(ranking, view)
        for query, ranking in rankings.items()
    }


def _fused(ranking: Ranking, fuser: Fuser) -> Ranking:
    arms = [
        [Hit(hit.passage, hit.stages[arm].score) for hit in ranking.hits if arm in hit.stages]
        for arm in ("bm25", "dense")
    ]
    return replace(ranking, hits=tuple(Hit(*pair) for pair in fuser.fuse(arms)))


def _ndcg(asked: Asked, rankings: Mapping[str, Ranking]) -> Values:
    found = {query: documents(ranking.hits) for query, ranking in rankings.items()}
    per_query = evaluate(asked.qrels, run_from_rankings(found))["nDCG@10"]
    return np.array([per_query[query] for query in asked.rankings], np.float64)


if __name__ == "__main__":
    measure(arguments(__doc__))
