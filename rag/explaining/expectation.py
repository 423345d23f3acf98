"""Documents that were to be found, by what a person calls them, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rag.explaining.depths import Depth, Depths, depths_of
from rag.explaining.explanation import Explanation, arms_of
from rag.explaining.fates import Fate, filtered, not_retrieved, pruned, retrieved
from rag.explaining.moves import moves_of
from rag.naming import matcher, nearest
from rag.stages.stage import Stage
from rag.stating import conditions, stated
from rag.store.rows import Rows
from rag.store.view import StoreView
from rag.types import Condition, Failure, Filter, Passage


@dataclass(frozen=True, slots=True)
class Expected:
    """A document that was to be found: `fates` are of its passages, in their order.

    `document` is None where it is not in the index; `error` tells why it could not be read when
    that was last tried, and `near` what else could be meant. `filtered` states the conditions
    that it fails.
    """

    source: str
    document: str | None = None
    error: str = ""
    fates: tuple[Fate, ...] = ()
    near: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "source": self.source,
            "document": self.document,
            "error": self.error or None,
            "near": list(self.near),
            "filtered": list(self.filtered),
            "passages": [fate.as_dict() for fate in self.fates],
        }


def with_expected(
    explanation: Explanation, name: str, stages: Sequence[Stage], view: StoreView, base: Path
) -> Explanation:
    """`explanation` with what became of the documents that `name` means: see `rag.naming`.

    The end of a source will do, such as a file's name, where only one ends so. Arms are asked
    again for passages that they did not give.
    """
    rows = view.rows
    documents, failures = _named(name, rows, base)
    errors = {failure.source: failure.error for failure in failures}
    expected = list(_expected(explanation, documents, errors, stages, view))
    left = errors.keys() - {source for _, source in documents}
    expected += [Expected(source, error=errors[source]) for source in sorted(left)]
    if not expected:
        near = nearest(name, [source for _, source in rows.sources()])
        expected = [Expected(name, near=tuple(near))]
    return replace(explanation, expected=tuple(expected))


def _expected(
    explanation: Explanation,
    documents: Sequence[tuple[str, str]],
    errors: Mapping[str, str],
    stages: Sequence[Stage],
    view: StoreView,
) -> Iterator[Expected]:
    failing = {id_: _failing(explanation, id_, view) for id_, _ in documents}
    passages = {id_: list(view.rows.passages_of(id_).values()) for id_, _ in documents}
    wanted = [one for id_, some in passages.items() if not failing[id_] for one in some]
    depths = _depths(explanation, wanted, stages, view)
    for id_, source in documents:
        fates = [pruned(one) for one in view.rows.dropped(id_)]
        if failing[id_]:
            why = " and ".join(failing[id_])
            fates += [filtered(one, why) for one in passages[id_]]
        else:
            fates += _fates(explanation, passages[id_], depths)
        fates.sort(key=lambda fate: fate.passage.order)
        yield Expected(
            source, id_, errors.get(source, ""), tuple(fates), filtered=tuple(failing[id_])
        )


def _failing(explanation: Explanation, document_id: str, view: StoreView) -> list[str]:
    """The conditions that a document fails, and what it has instead."""
    tests = conditions(explanation.ranking.query.filters)
    return [
        stated(one) + _held(one, document_id, view)
        for one in tests
        if not view.selects(document_id, one)
    ]


def _held(test: Filter, document_id: str, view: StoreView) -> str:
    """The document's own value for a single condition."""
    document = view.document(document_id)
    if not isinstance(test, Condition) or document is None:
        return ""
    own = {"id": document.id, "source": document.source, "title": document.title}
    # The language is the index's, so that passages have it and the document does not.
    known = {**document.metadata, **own}
    if test.key == "language":
        return ""
    if test.key not in known:
        return f" (it has no {test.key})"
    return f" (it has {stated(Condition(test.key, '=', known[test.key]))})"


def _depths(
    explanation: Explanation,
    passages: Sequence[Passage],
    stages: Sequence[Stage],
    view: StoreView,
) -> Sequence[Depths]:
    """For each arm the passages that it did not give."""
    query = explanation.ranking.query
    size = view.rows.counts()["passages"]
    first = next((found for found in explanation.places if found), {})
    told: list[Depths] = []
    for name, arm in arms_of(stages):
        given = {id_ for id_, (_, hit) in first.items() if name in hit.stages}
        missing = [one for one in passages if one.id not in given]
        told.append(depths_of(query, (name, arm), missing, view, size=size) if missing else {})
    return told


def _fates(
    explanation: Explanation, passages: Sequence[Passage], depths: Sequence[Depths]
) -> Iterator[Fate]:
    places = explanation.places
    for passage in passages:
        below: list[Depth] = [one[passage.id] for one in depths if passage.id in one]
        moves = moves_of(passage.id, explanation.rankings, places)
        if moves:
            yield retrieved(explanation.pipeline, passage, places, moves, below)
        else:
            yield not_retrieved(passage, below)


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
