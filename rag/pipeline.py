"""The query side of a pipeline: a fold over its stages, from a query to a ranking."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Protocol, TypeAlias

from rag.errors import ChatError, IndexDamagedError, ModelError
from rag.places import place_of
from rag.protocols import Answerer, Expander, Fuser, Reranker, Retriever, Rewriter, Selector, View
from rag.sentences import block_at
from rag.tracing import note, question
from rag.types import Answer, Document, Hit, Passage, Query, Ranking, StageScore, Step, Variant

# What stages said of passages, by `Passage.order`, which costs less than their ids.
Told: TypeAlias = dict[tuple[str, int, int], dict[str, StageScore]]


class Stage(Protocol):
    """One stage: `key` is its key in a pipeline file, `uses` the names of its components."""

    key: ClassVar[str]

    @property
    def uses(self) -> tuple[str, ...]:
        """The names of its components."""
        ...

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """What the stage makes of `ranking`."""
        ...


@dataclass(frozen=True, slots=True)
class RewriteStage:
    """Adds to the query. A rewriter that fails costs its additions, never the answer."""

    key: ClassVar[str] = "rewrite"
    name: str
    rewriter: Rewriter

    @property
    def uses(self) -> tuple[str, ...]:
        """The rewriter."""
        return (self.name,)

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` with the rewritten query."""
        query = ranking.query
        try:
            rewritten = self.rewriter.rewrite(query, view)
        except Exception as error:  # noqa: BLE001 a model server can fail in any way
            told = " ".join(str(error).split()) or type(error).__name__
            warnings.warn(f"rewriter '{self.name}' failed: {told}", stacklevel=2)
            note(f"failed, the question goes on as it was: {told}", failed=True)
            return ranking
        # Only additions are taken: text, filters and history are the caller's.
        query = replace(
            query,
            variants=_new(rewritten.variants, query.text),
            hypotheses=_new(rewritten.hypotheses),
            examples=rewritten.examples,
            standalone=rewritten.standalone,
            dense_weight=rewritten.dense_weight,
        )
        return replace(ranking, query=query)


@dataclass(frozen=True, slots=True)
class RetrieveStage:
    """Asks each arm, and fuses where there are several."""

    key: ClassVar[str] = "retrieve"
    arms: Sequence[tuple[str, Retriever]]
    fuser: tuple[str, Fuser] | None

    @property
    def uses(self) -> tuple[str, ...]:
        """The arms, and the fuser."""
        fuser = () if self.fuser is None else (self.fuser[0],)
        return (*(name for name, _ in self.arms), *fuser)

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """A ranking of what the arms found."""
        found = [(name, arm.retrieve(ranking.query, view)) for name, arm in self.arms]
        # Each hit with what its own arm said: a fuser tells arms apart by it.
        arms = [_hits(name, pairs, {}) for name, pairs in found]
        if self.fuser is None:
            return replace(ranking, hits=tuple(arms[0]))
        name, fuser = self.fuser
        return replace(ranking, hits=tuple(_hits(name, fuser.fuse(arms), _together(arms))))


@dataclass(frozen=True, slots=True)
class EarlyExit:
    """Stop scoring when a block of `patience` hits brought none into the `best`."""

    best: int
    patience: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores to probabilities by a logistic curve (Platt 1999)."""

    slope: float
    intercept: float

    def __call__(self, score: float) -> float:
        """The probability that a score stands for."""
        # Beyond this the curve is flat, and the exponential overflows.
        return 1 / (1 + math.exp(-max(-500.0, min(500.0, self.slope * score + self.intercept))))


@dataclass(frozen=True, slots=True)
class RerankStage:
    """Puts the first `top` hits in the reranker's order; the tail keeps its own.

    With `weight` below 1 the order is that of a weighted sum of the reranker's scores and those
    that the hits had, both scaled to 0..1 among the hits that were scored. Hits that tie stay as
    they were. A `probability` changes no order: the reranker's scores are told as probabilities,
    and with `weight` 1 they are the hits' scores. A reranker whose chat model fails leaves all
    hits where they were.
    """

    key: ClassVar[str] = "rerank"
    name: str
    reranker: Reranker
    top: int
    weight: float = 1.0
    early_exit: EarlyExit | None = None
    probability: Calibration | None = None

    @property
    def uses(self) -> tuple[str, ...]:
        """The reranker."""
        return (self.name,)

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` reordered."""
        head = ranking.hits[: self.top]
        try:
            scores = self._scores(ranking.query.asked, [hit.passage for hit in head])
        except ChatError as error:
            warnings.warn(f"reranker '{self.name}' failed: {error}", stacklevel=2)
            note(f"failed, the hits stay in their order: {error}", failed=True)
            return ranking
        scored = head[: len(scores)]
        ranked = {place: rank for rank, place in enumerate(_descending(scores), 1)}
        told = scores if self.probability is None else [self.probability(one) for one in scores]
        sums = _blended([hit.score for hit in scored], scores, self.weight)
        final = told if self.weight == 1 else sums
        moved = [
            _noted(scored[place], self.name, ranked[place], told[place], final[place])
            for place in _descending(sums)
        ]
        return replace(ranking, hits=(*moved, *ranking.hits[len(scored) :]))

    def _scores(self, asked: str, passages: Sequence[Passage]) -> list[float]:
        """Scores of `passages`, or of the first of them where the rest is not worth the time."""
        scores: list[float] = []
        for start, end in self._blocks(len(passages)):
            block = self.reranker.score(asked, passages[start:end])
            given = [
                self._checked(float(one), passage)
                for passage, one in zip(passages[start:end], block, strict=True)
            ]
            best = self._worst_of_best(scores)
            scores += given
            if best is not None and all(one <= best for one in given) and end < len(passages):
                note(f"stopped after {end} of {len(passages)} hits: the best ones stayed")
                break
        return scores

    def _checked(self, score: float, passage: Passage) -> float:
        """`score`, which has a place among others. Raises ModelError where it has none."""
        if not math.isfinite(score):
            raise ModelError(
                f"reranker '{self.name}' scored passage '{passage.id}' as {score}, which is no "
                "place among others: take another model, or 'dtype: float32'"
            )
        return score

    def _blocks(self, size: int) -> Iterator[tuple[int, int]]:
        if self.early_exit is None or size <= self.early_exit.best:
            yield 0, size
            return
        yield 0, self.early_exit.best
        for start in range(self.early_exit.best, size, self.early_exit.patience):
            yield start, min(start + self.early_exit.patience, size)

    def _worst_of_best(self, scores: Sequence[float]) -> float | None:
        if self.early_exit is None or len(scores) < self.early_exit.best:
            return None
        return sorted(scores, reverse=True)[self.early_exit.best - 1]


@dataclass(frozen=True, slots=True)
class SelectStage:
    """Chooses and orders hits among themselves. What is chosen keeps its scores."""

    key: ClassVar[str] = "select"
    name: str
    selector: Selector

    @property
    def uses(self) -> tuple[str, ...]:
        """The selector."""
        return (self.name,)

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` with the hits chosen."""
        chosen = self.selector.select(ranking.query, ranking.hits, view)
        moved = [_noted(hit, self.name, rank, hit.score) for rank, hit in enumerate(chosen, 1)]
        return replace(ranking, hits=tuple(moved))


@dataclass(frozen=True, slots=True)
class ExpandStage:
    """Grows the passages of hits; hits of a document that then share text become the best of them.

    Order, scores and stages stay, and so does every document. What stands around a passage
    tells what it is about: DAPR (Wang et al. 2024).
    """

    key: ClassVar[str] = "expand"
    name: str
    expander: Expander

    @property
    def uses(self) -> tuple[str, ...]:
        """The expander."""
        return (self.name,)

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` with longer passages."""
        together: dict[str, list[Hit]] = {}
        for hit in ranking.hits:
            together.setdefault(hit.passage.document_id, []).append(hit)
        grown: dict[str, Hit] = {}
        for name, hits in together.items():
            document = view.document(name)
            if document is None:
                raise IndexDamagedError(
                    f"the document '{name}' of a passage is not in the index: run 'rag verify'"
                )
            grown.update(_grown(hits, document, self.expander))
        return replace(
            ranking,
            hits=tuple(grown[id_] for hit in ranking.hits if (id_ := hit.passage.id) in grown),
        )


@dataclass(frozen=True, slots=True)
class CutStage:
    """Keeps the first `k` hits."""

    key: ClassVar[str] = "cut"
    k: int

    @property
    def uses(self) -> tuple[str, ...]:
        """None."""
        return ()

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` cut."""
        return replace(ranking, hits=ranking.hits[: self.k])


def run(stages: Sequence[Stage], query: Query, view: View) -> Ranking:
    """Fold `query` through `stages`."""
    ranking = Ranking(query)
    for ranking in rankings(stages, query, view):  # noqa: B007 the last one is wanted
        pass
    return ranking


def rankings(stages: Sequence[Stage], query: Query, view: View) -> Iterator[Ranking]:
    """What `query` has become after each of `stages`, in order."""
    ranking = Ranking(query)
    with question() as asked:
        for stage in stages:
            began, started = time.time(), time.perf_counter()
            made = stage(ranking, view)
            seconds = time.perf_counter() - started
            told, failed = asked.take_notes(), asked.take_failed()
            step = Step(stage.key, stage.uses, seconds, len(made.hits), told, began, failed)
            ranking = replace(made, steps=(*ranking.steps, step))
            yield ranking


def answered(name: str, answerer: Answerer, ranking: Ranking, view: View) -> Answer:
    """What `answerer`, called `name`, makes of `ranking`, with all the steps that led to it.

    The last step is its own; its `hits` are the citations.
    """
    with question() as asked:
        began, started = time.time(), time.perf_counter()
        answer = answerer.answer(ranking.query, ranking.hits, view)
        seconds = time.perf_counter() - started
        cited = len(answer.citations)
        told, failed = asked.take_notes(), asked.take_failed()
        step = Step("answer", (name,), seconds, cited, told, began, failed)
    steps = (*ranking.steps, step)
    return replace(answer, hits=ranking.hits, query=ranking.query, steps=steps)


def _new(variants: Sequence[Variant], text: str | None = None) -> tuple[Variant, ...]:
    """Each once, with its greatest weight, and none that only repeats `text`."""
    kept: dict[tuple[str, str], Variant] = {}
    for one in variants:
        key = (" ".join(one.text.split()).casefold(), one.arms)
        if not key[0] or (text is not None and key[0] == " ".join(text.split()).casefold()):
            continue
        if key not in kept or one.weight > kept[key].weight:
            kept[key] = one
    return tuple(kept.values())


def _descending(scores: Sequence[float]) -> list[int]:
    """Positions, best first; those that tie stay as they were."""
    return sorted(range(len(scores)), key=lambda place: -scores[place])


def _blended(before: Sequence[float], scores: Sequence[float], weight: float) -> list[float]:
    if weight == 1:
        return list(scores)
    pairs = zip(_scaled(before), _scaled(scores), strict=True)
    return [(1 - weight) * old + weight * new for old, new in pairs]


def _scaled(scores: Sequence[float]) -> list[float]:
    """Between 0 and 1, and 1 where all are the same."""
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [(one - low) / (high - low) if high > low else 1.0 for one in scores]


def _grown(
    hits: Sequence[Hit], document: Document, expander: Expander
) -> Iterator[tuple[str, Hit]]:
    """The id of the best passage, and the hit that it becomes, for each stretch of `document`."""
    spans = sorted((*expander.expand(hit.passage, document), at) for at, hit in enumerate(hits))
    stretches: list[tuple[int, int, list[int]]] = []
    for start, end, at in spans:
        if stretches and start < stretches[-1][1]:
            first, last, places = stretches[-1]
            stretches[-1] = first, max(last, end), [*places, at]
        else:
            stretches.append((start, end, [at]))
    for start, end, places in stretches:
        merged = [hits[place] for place in sorted(places)]
        passage = _spanning(document, merged[0].passage, start, end)
        found = tuple(one for hit in merged for one in hit.found or (hit.passage,))
        yield merged[0].passage.id, replace(merged[0], passage=passage, found=found)


def _spanning(document: Document, passage: Passage, start: int, end: int) -> Passage:
    """`passage` grown to another span; its page stays that of what was found."""
    block = block_at(document.blocks, start)
    return replace(
        passage,
        start=start,
        end=end,
        text=document.text[start:end],
        headings=block.headings if block else passage.headings,
        place=place_of(document.blocks, start, end),
    )


def _together(arms: Sequence[Sequence[Hit]]) -> Told:
    """What all of `arms` said of each passage."""
    told: Told = {}
    for arm in arms:
        for hit in arm:
            told.setdefault(hit.passage.order, {}).update(hit.stages)
    return told


def _hits(name: str, found: Sequence[tuple[Passage, float]], told: Told) -> list[Hit]:
    """Hits of what stage `name` found, with all that `told` has of them; it learns of `name`."""
    hits = []
    for rank, (passage, score) in enumerate(found, 1):
        stages = told.setdefault(passage.order, {})
        stages[name] = StageScore(rank, score)
        # Some hundred times a query: every argument that is left out costs a call.
        hits.append(Hit(passage, score, MappingProxyType(stages), ()))
    return hits


def _noted(hit: Hit, name: str, rank: int, score: float, final: float | None = None) -> Hit:
    """`hit` with what stage `name` said; `final` is its score where that is another."""
    stages = dict(hit.stages.items())
    stages[name] = StageScore(rank, score)
    # Made some hundred times a query: `replace` takes twice as long.
    final = score if final is None else final
    return Hit(hit.passage, final, MappingProxyType(stages), hit.found)
