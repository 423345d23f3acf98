"""Why a question found what it found, and what became of a document that it was to find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from rag.config import Cut, Pipeline, Retrieve
from rag.naming import matcher
from rag.pipeline import Stage, rankings
from rag.protocols import View
from rag.store.rows import Rows
from rag.types import Dropped, Failure, Passage, Query, Ranking, StageScore

Seen: TypeAlias = tuple[int, int, Mapping[str, StageScore]]
Outcome: TypeAlias = Literal["found", "left out", "not retrieved", "pruned"]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a passage that was to be found.

    `why` says it on one line. `rank` is its place in the result, and for one that a later stage
    left out, its last one; `stages` has the ranks and scores until then.
    """

    passage: Passage
    outcome: Outcome
    why: str
    rank: int | None = None
    stages: Mapping[str, StageScore] = field(default_factory=lambda: MappingProxyType({}))
    dropped: Dropped | None = None

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
        }
        if self.dropped is not None:
            shape |= {"score": self.dropped.score, "reason": self.dropped.reason}
        return shape


@dataclass(frozen=True, slots=True)
class Expected:
    """A document that was to be found: `fates` are of its passages, in their order.

    `document` is None where it is not in the index; `error` tells why it could not be read when
    that was last tried.
    """

    source: str
    document: str | None = None
    error: str = ""
    fates: tuple[Fate, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "source": self.source,
            "document": self.document,
            "error": self.error or None,
            "passages": [fate.as_dict() for fate in self.fates],
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """The ranking of a question after each stage of its pipeline, the last one's being `ranking`.

    `expected` has one item for each document that fits the name given, at least one.
    """

    pipeline: Pipeline
    steps: tuple[tuple[str, Ranking], ...]
    expected: tuple[Expected, ...] = ()

    @property
    def ranking(self) -> Ranking:
        """The result."""
        return self.steps[-1][1]


def explained(pipeline: Pipeline, stages: Sequence[Stage], query: Query, view: View) -> Explanation:
    """Run `query` through `stages`, which are those of `pipeline`, and keep every ranking."""
    steps = [(one.steps[-1].stage, one) for one in rankings(stages, query, view)]
    return Explanation(pipeline, tuple(steps))


def with_expected(explanation: Explanation, name: str, rows: Rows, base: Path) -> Explanation:
    """`explanation` with what became of the documents that `name` means: see `rag.naming`.

    The end of a source will do, such as a file's name, where only one ends so.
    """
    documents, failures = _named(name, rows, base)
    errors = {failure.source: failure.error for failure in failures}
    expected = [
        Expected(source, id_, errors.pop(source, ""), tuple(_fates(explanation, id_, rows)))
        for id_, source in documents
    ]
    expected += [Expected(source, error=error) for source, error in sorted(errors.items())]
    return replace(explanation, expected=tuple(expected or [Expected(name)]))


def _named(
    name: str, rows: Rows, base: Path
) -> tuple[Sequence[tuple[str, str]], Sequence[Failure]]:
    """`(id, source)` of the documents that `name` means, and what of it could not be read."""
    fits = matcher(name, base)
    known = list(rows.sources())
    failures = rows.failures()
    found = [(id_, source) for id_, source in known if fits(id_) or fits(source)]
    failed = [failure for failure in failures if fits(failure.source)]
    if found or failed:
        return found, failed
    found = [(id_, source) for id_, source in known if source.endswith(f"/{name}")]
    failed = [failure for failure in failures if failure.source.endswith(f"/{name}")]
    sources = {source for _, source in found} | {failure.source for failure in failed}
    return (found, failed) if len(sources) == 1 else ((), ())


def _fates(explanation: Explanation, document_id: str, rows: Rows) -> Iterator[Fate]:
    seen = _last_seen(explanation)
    passages = rows.passages_of(document_id).values()
    fates = [_fate(explanation.pipeline, one, seen.get(one.id)) for one in passages]
    for dropped in rows.dropped(document_id):
        why = f"pruned: {dropped.reason} ({dropped.score:.3f})"
        fates.append(Fate(dropped.passage, "pruned", why, dropped=dropped))
    yield from sorted(fates, key=lambda fate: fate.passage.order)


def _last_seen(explanation: Explanation) -> Mapping[str, Seen]:
    """The last stage after which each passage was there, its rank then, and its own scores."""
    seen: dict[str, Seen] = {}
    for place, (_, ranking) in enumerate(explanation.steps):
        for rank, hit in enumerate(ranking.hits, 1):
            best, *others = hit.found or (hit.passage,)
            seen[best.id] = place, rank, hit.stages
            for passage in others:
                # Merged into a better one, whose scores the hit has.
                seen[passage.id] = place, rank, seen[passage.id][2]
    return seen


def _fate(pipeline: Pipeline, passage: Passage, seen: Seen | None) -> Fate:
    """What became of a passage of the index."""
    if seen is None:
        return Fate(passage, "not retrieved", _not_retrieved(pipeline))
    place, rank, stages = seen
    if place == len(pipeline.stages) - 1:
        return Fate(passage, "found", f"found at rank {rank}", rank, stages)
    stage = pipeline.stages[place + 1]
    keeps = f", which keeps {stage.k}" if isinstance(stage, Cut) else ""
    why = f"at rank {rank} until '{next(iter(stage.as_dict()))}'{keeps}"
    return Fate(passage, "left out", why, rank, stages)


def _not_retrieved(pipeline: Pipeline) -> str:
    arms = [arm for stage in pipeline.stages if isinstance(stage, Retrieve) for arm in stage.arms]
    depths = [
        f"the {arm.options['k']} of '{arm.use}'" if "k" in arm.options else f"those of '{arm.use}'"
        for arm in arms
    ]
    return f"not among {' or '.join(depths)}"
