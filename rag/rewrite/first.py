"""What a question finds before it is rewritten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

from rag.arms import texts_of, vector_of
from rag.errors import IndexMismatchError
from rag.protocols import View
from rag.types import Passage, Query

Arm: TypeAlias = Literal["lexical", "dense"]
Source: TypeAlias = Literal["own", "other", "both"]
Found: TypeAlias = list[tuple[Passage, float]]

_OTHER: dict[Arm, Arm] = {"lexical": "dense", "dense": "lexical"}
# Each arm is asked for at least so many where what they find is merged: more costs more time, and
# hybrid search gained nothing from it on SciFact's train questions.
_DEPTH = 10


class FirstSearch:
    """A question's best passages, each arm searched once at most."""

    def __init__(self, query: Query, view: View) -> None:
        self._query = query
        self._view = view
        self._known: dict[tuple[Arm, int], Found] = {}

    def best(self, arm: Arm, source: Source, count: int) -> Found:
        """The `count` best passages that `arm` is to learn from, all with positive scores.

        They are those that the arm itself finds, or the other one, or both: then their scores
        are scaled to 0..1 in each arm and averaged. Raises IndexMismatchError where the index
        lacks an arm; with `both` only where it lacks `arm` itself.
        """
        if source != "both":
            return self._found(arm if source == "own" else _OTHER[arm], count)
        depth = max(count, _DEPTH)
        lists = [self._found(arm, depth)]
        if self.has(_OTHER[arm]):
            lists.append(self._found(_OTHER[arm], depth))
        return _merged(lists)[:count]

    def has(self, arm: Arm) -> bool:
        """Whether the index has `arm`."""
        if arm == "dense":
            return self._view.encoder is not None
        try:
            self._view.lexical((), 1)  # nothing is searched
        except IndexMismatchError:
            return False
        return True

    def _found(self, arm: Arm, count: int) -> Found:
        key = (arm, count)
        if key not in self._known:
            found = self._search(arm, count)
            # A passage that has nothing of the question is no evidence.
            self._known[key] = [pair for pair in found if pair[1] > 0]
        return self._known[key]

    def _search(self, arm: Arm, count: int) -> Found:
        query, view = self._query, self._view
        if arm == "lexical":
            return view.lexical(texts_of(query, "lexical"), count, query.filters)
        return view.dense(vector_of(query, view), count, query.filters)


def _merged(lists: Sequence[Found]) -> Found:
    """Every passage once, best first, by the mean of its scaled scores."""
    parts: dict[tuple[str, int, int], tuple[Passage, list[float]]] = {}
    for found in lists:
        low = min((score for _, score in found), default=0.0)
        high = max((score for _, score in found), default=0.0)
        for passage, score in found:
            scaled = (score - low) / (high - low) if high > low else 1.0
            parts.setdefault(passage.order, (passage, []))[1].append(scaled / len(lists))
    summed = [(passage, math.fsum(shares)) for passage, shares in parts.values()]
    summed.sort(key=lambda pair: (-pair[1], pair[0].order))
    return [pair for pair in summed if pair[1] > 0]
