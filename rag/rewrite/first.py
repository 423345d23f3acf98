"""What a question finds before it is rewritten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from rag.arms import texts_of, vector_of
from rag.errors import IndexMismatchError
from rag.protocols import Ranked, Scores, View
from rag.ranked import as_rows, summed
from rag.types import Query

Arm: TypeAlias = Literal["lexical", "dense"]
Source: TypeAlias = Literal["own", "other", "both"]

_OTHER: dict[Arm, Arm] = {"lexical": "dense", "dense": "lexical"}
# Each arm is asked for at least so many where what they find is merged: more costs more time, and
# hybrid search gained nothing from it on SciFact's train questions.
_DEPTH = 10


class FirstSearch:
    """A question's best passages, each arm searched once at most."""

    def __init__(self, query: Query, view: View) -> None:
        self._query = query
        self._view = view
        self._known: dict[tuple[Arm, int], Ranked] = {}

    def best(self, arm: Arm, source: Source, count: int) -> Ranked:
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

    def _found(self, arm: Arm, count: int) -> Ranked:
        key = (arm, count)
        if key not in self._known:
            found = self._search(arm, count)
            # A passage that has nothing of the question is no evidence.
            self._known[key] = [pair for pair in found if pair[1] > 0]
        return self._known[key]

    def _search(self, arm: Arm, count: int) -> Ranked:
        query, view = self._query, self._view
        if arm == "lexical":
            return view.lexical(texts_of(query, "lexical"), count, query.filters)
        return view.dense(vector_of(query, view), count, query.filters)


def _merged(lists: Sequence[Ranked]) -> Ranked:
    """Every passage once, best first, by the mean of its scaled scores."""
    found = [one.scored(_scaled(one.scores) / len(lists)) for one in as_rows(lists)]
    return [pair for pair in summed(found) if pair[1] > 0]


def _scaled(scores: Scores) -> Scores:
    """Brought to 0..1; all of them 1 where they are alike."""
    spread = np.ptp(scores) if len(scores) else 0.0
    return (scores - scores.min()) / spread if spread else np.ones(len(scores))
