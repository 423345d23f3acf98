"""A question run once, with every ranking kept, and the reasons of each hit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.config import Pipeline
from rag.explaining.moves import Move, Places, moves_of, places_of
from rag.explaining.origins import Origin, origin, origins_of
from rag.explaining.terms import Term, terms_of
from rag.found import read_hits
from rag.pipeline import rankings
from rag.protocols import Retriever, View
from rag.stages.retrieve import RetrieveStage
from rag.stages.stage import Stage
from rag.tracefile import hit_dict, trace
from rag.types import Hit, Passage, Query, Ranking

if TYPE_CHECKING:
    from rag.explaining.expectation import Expected


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a hit stands where it does.

    `moves` is its way through the stages, `terms` what it shares with the lexical arm's texts,
    and `origins` where each text of the query alone would have put it in each arm. Of a hit that
    was made of several passages they are the best one's.
    """

    moves: tuple[Move, ...] = ()
    terms: tuple[Term, ...] = ()
    origins: tuple[Origin, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "moves": [one.as_dict() for one in self.moves],
            "terms": [one.as_dict() for one in self.terms],
            "found_by": [one.as_dict() for one in self.origins],
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """The ranking of a question after each stage of its pipeline, the last one's being `ranking`.

    `reasons` are of its hits, in order. `expected` has one item for each document that fits the
    name given, at least one.
    """

    pipeline: Pipeline
    steps: tuple[tuple[str, Ranking], ...]
    reasons: tuple[Reasons, ...] = ()
    expected: tuple[Expected, ...] = ()

    @property
    def ranking(self) -> Ranking:
        """The result."""
        return self.steps[-1][1]

    @property
    def arms(self) -> Sequence[str]:
        """The names of the retrievers, as hits have them."""
        steps = [step for step in self.ranking.steps if step.stage == "retrieve"]
        return [name for step in steps for name in (step.uses[:-1] or step.uses)]

    @property
    def rankings(self) -> Sequence[Ranking]:
        """After each stage."""
        return [ranking for _, ranking in self.steps]

    @property
    def places(self) -> Sequence[Places]:
        """Where each passage stands after each stage."""
        return [places_of(ranking) for ranking in self.rankings]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data: a trace (`rag.tracefile`), and what explains it."""
        ranking = self.ranking
        shape = trace("explain", ranking.query, ranking.steps, ranking.hits, self.pipeline.name)
        for step, (_, after) in zip(shape["steps"], self.steps, strict=True):
            step["ranking"] = [_place(rank, hit) for rank, hit in enumerate(after.hits, 1)]
        shape["hits"] = [
            {**hit_dict(rank, hit), **reasons.as_dict()}
            for rank, (hit, reasons) in enumerate(zip(ranking.hits, self.reasons, strict=True), 1)
        ]
        if self.expected:
            shape["expected"] = [one.as_dict() for one in self.expected]
        return shape


def explained(pipeline: Pipeline, stages: Sequence[Stage], query: Query, view: View) -> Explanation:
    """Run `query` through `stages`, which are those of `pipeline`, and keep every ranking."""
    kept = list(rankings(stages, query, view))
    read_hits(hit for ranking in kept for hit in ranking.hits)
    reasons = _reasons(kept, arms_of(stages), view)
    return Explanation(pipeline, tuple((one.steps[-1].stage, one) for one in kept), reasons)


def arms_of(stages: Sequence[Stage]) -> Sequence[tuple[str, Retriever]]:
    """The retrievers with their names."""
    return [arm for stage in stages if isinstance(stage, RetrieveStage) for arm in stage.arms]


def best_of(hit: Hit) -> Passage:
    """The passage that was found, the best where there are several."""
    return hit.found[0] if hit.found else hit.passage


def _reasons(
    kept: Sequence[Ranking], arms: Sequence[tuple[str, Retriever]], view: View
) -> tuple[Reasons, ...]:
    query, hits = kept[-1].query, kept[-1].hits
    if not hits:
        return ()
    places = [places_of(ranking) for ranking in kept]
    passages = [best_of(hit) for hit in hits]
    lexical = any(getattr(arm, "needs", None) == "lexical" for _, arm in arms)
    terms = terms_of(query, passages, view) if lexical else [() for _ in hits]
    origins = (
        origins_of(query, arms, passages, view)
        if _is_rewritten(query)
        else _as_asked(query, arms, hits)
    )
    moves = [tuple(moves_of(passage.id, kept, places)) for passage in passages]
    return tuple(map(Reasons, moves, terms, origins))


def _is_rewritten(query: Query) -> bool:
    return bool(query.variants or query.hypotheses or query.examples or query.standalone)


def _as_asked(
    query: Query, arms: Sequence[tuple[str, Retriever]], hits: Sequence[Hit]
) -> list[tuple[Origin, ...]]:
    """Where nothing was added, what the arms found is what the question alone finds."""
    told = []
    for hit in hits:
        told.append(tuple(origin(name, query.text, hit.stages.get(name)) for name, _ in arms))
    return told


def _place(rank: int, hit: Hit) -> Mapping[str, Any]:
    return {"rank": rank, "passage": hit.passage.id, "score": hit.score}
