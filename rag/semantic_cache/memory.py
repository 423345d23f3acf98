"""What a process remembers of the file: the questions, their vectors and what was learned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rag.protocols import Vectors
from rag.semantic_cache.file import Entry, Observation, Rows
from rag.semantic_cache.regions import Ledger, Regions
from rag.semantic_cache.sameness import Wording

# The nearest kept questions that are looked at: the first that may ask the same is taken.
_LOOKED_AT = 16
_FIRST_ROOM = 64


class Memory:
    """The kept questions of one pipeline, for one state of an index."""

    def __init__(self, scope: str, space: str, losses: int, max_error: float) -> None:
        self.key = (scope, space, losses)
        self.regions = Regions()
        self.ledger = Ledger(max_error)
        self.names: set[str] = set()
        self._space = space
        self._entries: list[Entry] = []
        self._vectors: Vectors = np.empty((0, 0), np.float32)
        self._refuted: set[tuple[int, str]] = set()
        self._last = 0

    def follow(self, rows: Rows) -> None:
        """Read what the file has more."""
        for entry in rows.entries(self._space, self._entries[-1].id if self._entries else 0):
            self._append(entry)
        for one in rows.observations(self._space, self._last):
            self._note(one)

    def nearest(self, vector: Vectors, filters: str) -> Iterator[tuple[Entry, float]]:
        """The kept questions with the same filters that are nearest, with their cosines."""
        count = len(self._entries)
        if not count or self._vectors.shape[1] != len(vector):
            return
        similarity = self._vectors[:count] @ vector
        same = np.fromiter((one.filters == filters for one in self._entries), bool, count)
        similarity = np.where(same, similarity, -2.0)
        best = np.argsort(-similarity, kind="stable")[:_LOOKED_AT]
        for place in best:
            if same[place]:
                yield self._entries[place], min(1.0, float(similarity[place]))

    def refuted(self, entry: Entry, wording: str) -> bool:
        """Whether the answer of `entry` is known to be wrong for `wording`."""
        return (entry.id, wording) in self._refuted

    @staticmethod
    def wording(entry: Entry) -> Wording:
        """An entry's question with its names."""
        return Wording(entry.question, entry.names)

    def _append(self, entry: Entry) -> None:
        assert entry.vector is not None
        place = len(self._entries)
        if place >= len(self._vectors):
            room = max(_FIRST_ROOM, 2 * place)
            grown = np.zeros((room, len(entry.vector)), np.float32)
            if place:
                grown[:place] = self._vectors[:place]
            self._vectors = grown
        self._vectors[place] = entry.vector
        self._entries.append(entry)
        self.names |= entry.names

    def _note(self, one: Observation) -> None:
        self.regions.observe(one.entry, one.similarity, one.right)
        self.ledger.note(one.risk, one.right)
        if not one.right:
            self._refuted.add((one.entry, one.wording))
        self._last = one.id
