"""What became of a passage that was to be found, on one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from rag.config import Cut, Pipeline, Rerank
from rag.explaining.depths import Depth
from rag.explaining.moves import Move, Places
from rag.types import Dropped, Hit, Passage, StageScore

Outcome: TypeAlias = Literal["found", "left out", "not retrieved", "filtered", "pruned"]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a passage that was to be found.

    `why` says it on one line. `rank` is its place in the result, and for one that a later stage
    left out, its last one; `stages` has the ranks and scores until then, and `moves` its way.
    `depths` says where it stands in the arms that did not give it.
    """

    passage: Passage
    outcome: Outcome
    why: str
    rank: int | None = None
    stages: Mapping[str, StageScore] = field(default_factory=lambda: MappingProxyType({}))
    dropped: Dropped | None = None
    moves: tuple[Move, ...] = ()
    depths: tuple[Depth, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as `rag explain --json` prints it."""
        passage = self.passage
        shape: dict[str, Any] = {
            "outcome": self.outcome,
            "why": self.why,
            "rank": self.rank,
            "start": passage.start,
            "end": passage.end,
            "page": passage.page,
            "place": passage.place,
            "headings": list(passage.headings),
            "text": passage.text,
            "stages": {name: asdict(score) for name, score in self.stages.items()},
            "moves": [one.as_dict() for one in self.moves],
            "below": [one.as_dict() for one in self.depths],
        }
        if self.dropped is not None:
            shape |= {"score": self.dropped.score, "reason": self.dropped.reason}
        return shape


def pruned(dropped: Dropped) -> Fate:
    """Of a passage that is not in the index."""
    why = f"pruned: {dropped.reason} ({dropped.score:.3f})"
    return Fate(dropped.passage, "pruned", why, dropped=dropped)


def filtered(passage: Passage, why: str) -> Fate:
    """Of a passage whose document fails the filters."""
    return Fate(passage, "filtered", f"filtered out: {why}")


def not_retrieved(passage: Passage, depths: Sequence[Depth]) -> Fate:
    """Of a passage that no arm gave."""
    told = [f"{_those(one)} ({_stands(one)})" for one in depths]
    why = f"not among {' or '.join(told)}"
    return Fate(passage, "not retrieved", why, depths=tuple(depths))


def retrieved(
    pipeline: Pipeline,
    passage: Passage,
    places: Sequence[Places],
    moves: Sequence[Move],
    depths: Sequence[Depth],
) -> Fate:
    """Of a passage that an arm gave: it is in the result, or a later stage left it out."""
    last = max(at for at, found in enumerate(places) if passage.id in found)
    rank, hit = places[last][passage.id]
    stages = _own_stages(passage, hit, places)
    way, more = tuple(moves), tuple(depths)
    if last == len(places) - 1:
        told = f"found at rank {rank}{_demoted(way)}"
        return Fate(passage, "found", told, rank, stages, moves=way, depths=more)
    why = f"at rank {rank} until {_left_out(pipeline, last + 1, way[-1])}{_demoted(way)}"
    if not _demoted(way) and (unseen := _unseen(pipeline, last + 1, rank)):
        why += unseen
    return Fate(passage, "left out", why, rank, stages, moves=way, depths=more)


def _own_stages(passage: Passage, hit: Hit, places: Sequence[Places]) -> Mapping[str, StageScore]:
    """Its own ranks and scores: those before it was merged into a better one."""
    if hit.passage.id == passage.id or hit.found[:1] == (passage,):
        return hit.stages
    own = [found[passage.id][1] for found in places if passage.id in found]
    alone = [one for one in own if one.passage.id == passage.id or one.found[:1] == (passage,)]
    return alone[-1].stages if alone else hit.stages


def _left_out(pipeline: Pipeline, at: int, move: Move) -> str:
    stage = pipeline.stages[at]
    if isinstance(stage, Cut):
        return f"'cut', which keeps {stage.k}"
    return f"'{move.stage}' ('{move.name}'), which left it out"


def _demoted(moves: Sequence[Move]) -> str:
    """The stage that moved it down furthest, where one did."""
    falls = [(one.moved, one.name, one.rank) for one in moves if one.moved and one.rank]
    moved, name, rank = min(falls, default=(0, "", 0))
    return f"; '{name}' moved it down from {rank + moved} to {rank}" if moved < 0 else ""


def _unseen(pipeline: Pipeline, at: int, rank: int) -> str:
    """The reranker before stage `at` that did not look so far."""
    for stage in pipeline.stages[:at]:
        if isinstance(stage, Rerank) and rank > stage.top:
            return f"; below the {stage.top} that '{stage.component.use}' looks at"
    return ""


def _those(one: Depth) -> str:
    return f"those of '{one.arm}'" if one.k is None else f"the {one.k} of '{one.arm}'"


def _stands(one: Depth) -> str:
    """Where a passage stands in an arm that did not give it."""
    if one.rank is not None:
        return f"at {one.rank:,}"
    if one.beyond is not None:
        return f"below {one.beyond:,}"
    return "no match at all"
