"""The query side of a pipeline: a fold over its stages, from a query to a ranking."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from rag.errors import IndexDamagedError
from rag.places import place_of
from rag.protocols import Expander, Fuser, Reranker, Retriever, Rewriter, View
from rag.sentences import block_at
from rag.types import Document, Hit, Passage, Query, Ranking, StageScore

Stage = Callable[[Ranking, View], Ranking]


@dataclass(frozen=True, slots=True)
class RewriteStage:
    """Adds to the query. A rewriter that fails costs its additions, never the answer."""

    name: str
    rewriter: Rewriter

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` with the rewritten query."""
        query = ranking.query
        try:
            rewritten = self.rewriter.rewrite(query)
        except Exception as error:  # noqa: BLE001 a model server can fail in any way
            warnings.warn(f"rewriter '{self.name}' failed: {error}", stacklevel=2)
            return ranking
        # Only additions are taken: text, filters and history are the caller's.
        query = replace(query, variants=rewritten.variants, hypotheses=rewritten.hypotheses)
        return replace(ranking, query=query)


@dataclass(frozen=True, slots=True)
class RetrieveStage:
    """Asks each arm, and fuses where there are several."""

    arms: Sequence[tuple[str, Retriever]]
    fuser: tuple[str, Fuser] | None

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """A ranking of what the arms found."""
        query = ranking.query
        found = [_hits(name, arm.retrieve(query, view)) for name, arm in self.arms]
        if self.fuser is None:
            return Ranking(query, tuple(found[0]))
        name, fuser = self.fuser
        before: dict[str, dict[str, StageScore]] = {}
        for arm in found:
            for hit in arm:
                before.setdefault(hit.passage.id, {}).update(hit.stages)
        return Ranking(query, tuple(_hits(name, fuser.fuse(found), before)))


@dataclass(frozen=True, slots=True)
class RerankStage:
    """Puts the first `top` hits in the reranker's order; the tail keeps its own."""

    name: str
    reranker: Reranker
    top: int

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` reordered."""
        head, tail = ranking.hits[: self.top], ranking.hits[self.top :]
        scores = self.reranker.score(ranking.query.text, [hit.passage for hit in head])
        scored = zip(head, scores, strict=True)
        ordered = sorted(scored, key=lambda pair: (-pair[1], pair[0].passage.order))
        moved = [
            _noted(hit, self.name, rank, float(score))
            for rank, (hit, score) in enumerate(ordered, 1)
        ]
        return replace(ranking, hits=(*moved, *tail))


@dataclass(frozen=True, slots=True)
class ExpandStage:
    """Grows the passages of hits; hits of a document that then share text become the best of them.

    Order, scores and stages stay, and so does every document. What stands around a passage
    tells what it is about: DAPR (Wang et al. 2024).
    """

    expander: Expander

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

    k: int

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` cut."""
        return replace(ranking, hits=ranking.hits[: self.k])


def run(stages: Sequence[Stage], query: Query, view: View) -> Ranking:
    """Fold `query` through `stages`."""
    ranking = Ranking(query)
    for stage in stages:
        ranking = stage(ranking, view)
    return ranking


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


def _hits(
    name: str,
    found: Sequence[tuple[Passage, float]],
    before: dict[str, dict[str, StageScore]] | None = None,
) -> list[Hit]:
    hits = []
    for rank, (passage, score) in enumerate(found, 1):
        stages = dict((before or {}).get(passage.id, {}))
        stages[name] = StageScore(rank, score)
        hits.append(Hit(passage, score, MappingProxyType(stages)))
    return hits


def _noted(hit: Hit, name: str, rank: int, score: float) -> Hit:
    return Hit(hit.passage, score, MappingProxyType({**hit.stages, name: StageScore(rank, score)}))
