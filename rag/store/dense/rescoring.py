"""Coarse search, and the vectors themselves for what it finds."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from rag.protocols import Ids, Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.flat import scored
from rag.store.dense.searcher import NONE, TIES, Found
from rag.store.dense.vectors import StoredVectors


class Coarse(Protocol):
    """A search at small cost."""

    def candidates(self, queries: Vectors, count: int, allowed: Allowed | None) -> Ids:
        """Positions `(m, count)` or more of what seems nearest; -1 where there is nothing."""
        ...


class Rescored:
    """The `candidates` that a coarse search finds, scored by their vectors."""

    def __init__(self, coarse: Coarse, vectors: StoredVectors, candidates: int) -> None:
        self._coarse = coarse
        self._vectors = vectors
        self._candidates = candidates

    def nearest(self, queries: Vectors, k: int, allowed: Allowed | None) -> list[Found]:
        """All candidates: see `Searcher.nearest`. They are more where `k` is no less."""
        there = len(self._vectors) if allowed is None else allowed.count
        wanted = self._candidates if self._candidates > k else k + TIES
        count = min(wanted, there)
        if not count:
            return [NONE] * len(queries)
        if allowed is not None and count == there:
            # All of them are candidates: nothing is to be searched for.
            positions = np.broadcast_to(allowed.positions, (len(queries), count))
        else:
            positions = self._coarse.candidates(queries, count, allowed)
        return [
            scored(self._vectors, query, np.sort(row[row >= 0]))
            for query, row in zip(queries, positions, strict=True)
        ]
