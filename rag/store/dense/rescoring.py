"""Coarse search, and the vectors themselves for what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self, runtime_checkable

import numpy as np

from rag.protocols import Ids, Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.flat import scored
from rag.store.dense.searcher import NONE, TIES, Found, Searcher
from rag.store.dense.vectors import JoinedVectors, StoredVectors


class Coarse(Protocol):
    """A search at small cost."""

    def candidates(self, queries: Vectors, count: int, allowed: Allowed | None) -> Ids:
        """Positions `(m, count)` or more of what seems nearest; -1 where there is nothing."""
        ...


@runtime_checkable
class Joinable(Coarse, Protocol):
    """One whose scores compare with those of others like it."""

    def joined(self, others: Sequence[Self]) -> Self:
        """A search of what this one has, and then of what the others have."""
        ...


class Rescored:
    """The `candidates` that a coarse search finds, scored by their vectors."""

    def __init__(self, coarse: Coarse, vectors: StoredVectors, candidates: int) -> None:
        self.coarse = coarse
        self.vectors = vectors
        self.candidates = candidates

    def nearest(self, queries: Vectors, k: int, allowed: Allowed | None) -> list[Found]:
        """All candidates: see `Searcher.nearest`. They are more where `k` is no less."""
        there = len(self.vectors) if allowed is None else allowed.count
        wanted = self.candidates if self.candidates > k else k + TIES
        count = min(wanted, there)
        if not count:
            return [NONE] * len(queries)
        if allowed is not None and count == there:
            # All of them are candidates: nothing is to be searched for.
            positions = np.broadcast_to(allowed.positions, (len(queries), count))
        else:
            positions = self.coarse.candidates(queries, count, allowed)
        return [
            scored(self.vectors, query, np.sort(row[row >= 0]))
            for query, row in zip(queries, positions, strict=True)
        ]


def joined(searchers: Sequence[Searcher]) -> Rescored | None:
    """One search of what several of a kind have, whose candidates compete.

    None where there cannot be one, or nothing is to be joined.
    """
    some = [one for one in searchers if isinstance(one, Rescored)]
    coarse = [one.coarse for one in some if isinstance(one.coarse, Joinable)]
    if len(coarse) < max(2, len(searchers)):
        return None
    vectors = JoinedVectors([one.vectors for one in some])
    return Rescored(coarse[0].joined(coarse[1:]), vectors, some[0].candidates)
