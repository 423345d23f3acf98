"""At which rank an arm has passages that are not among its `k`."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

from rag.protocols import Retriever, View
from rag.types import AnyOf, Condition, Passage, Query, StageScore

# Documents that are asked for together.
_TOGETHER = 100
# How much deeper the next look goes; beyond `_FAR` it goes only for a document that was not seen.
_DEEPER, _FAR = 10, 10_000


@dataclass(frozen=True, slots=True)
class Depth:
    """Where an arm has a passage, and the `k` that it gives; None where it has no such option.

    `rank` and `score` are None where the arm does not find the passage however deep it looks:
    where it shares no term with the question. `rank` alone is None where it was not looked for
    so deep; then it stands below `beyond`.
    """

    arm: str
    k: int | None
    rank: int | None = None
    score: float | None = None
    beyond: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


Depths: TypeAlias = Mapping[str, Depth]
"""By a passage's id."""


def depths_of(
    query: Query,
    named: tuple[str, Retriever],
    passages: Sequence[Passage],
    view: View,
    *,
    size: int,
) -> Depths:
    """Where an arm has each of `passages`, of an index of `size` passages.

    The arm is asked anew, ten times deeper each time, until it has given them all. An arm whose
    depth cannot be changed, as it has no attribute `k`, is asked as it is.
    """
    name, arm = named
    k: int | None = getattr(arm, "k", None)
    scores = _scores(query, _deep(arm, size), passages, view)
    missing = {one.id for one in passages if one.id in scores}
    unseen = {one.document_id for one in passages if one.id in scores}
    found: dict[str, StageScore] = {}
    depth = k or size
    while missing:
        for rank, (passage, score) in enumerate(_deep(arm, depth).retrieve(query, view), 1):
            if passage.id in missing:
                found[passage.id] = StageScore(rank, score)
                missing.discard(passage.id)
                unseen.discard(passage.document_id)
        if k is None or depth >= size or (depth >= _FAR and not unseen):
            break
        depth = min(depth * _DEEPER, size)
    told = {one.id: Depth(name, k) for one in passages}
    for id_ in missing:
        told[id_] = Depth(name, k, None, scores[id_], depth)
    for id_, place in found.items():
        told[id_] = Depth(name, k, place.rank, place.score)
    return told


def _scores(
    query: Query, arm: Retriever, passages: Sequence[Passage], view: View
) -> Mapping[str, float]:
    """The scores of those passages that the arm finds when it sees no other document."""
    documents = list(dict.fromkeys(one.document_id for one in passages))
    scores: dict[str, float] = {}
    for start in range(0, len(documents), _TOGETHER):
        some = documents[start : start + _TOGETHER]
        within = AnyOf(tuple(Condition("id", "=", name) for name in some))
        alone = replace(query, filters=(*query.filters, within))
        scores.update((passage.id, score) for passage, score in arm.retrieve(alone, view))
    return scores


def _deep(arm: Retriever, k: int) -> Retriever:
    """The arm with another depth, where it has one."""
    if not hasattr(arm, "k"):
        return arm
    made: Any = copy.copy(arm)
    made.k = k
    return made  # type: ignore[no-any-return]
