"""Scans by FAISS, and scores of single vectors that have the same bits."""

from __future__ import annotations

from typing import Any

from rag.protocols import Ids, Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.searcher import TIES, Found
from rag.store.dense.vectors import StoredVectors, empty_index


class Flat:
    """A scan of everything in a FAISS index."""

    def __init__(self, index: Any) -> None:
        self._index = index

    def nearest(self, queries: Vectors, k: int, allowed: Allowed | None) -> list[Found]:
        """See `Searcher.nearest`."""
        there = self._index.ntotal if allowed is None else allowed.count
        return searched(self._index, queries, min(k + TIES, there), selecting(allowed))

    def candidates(self, queries: Vectors, count: int, allowed: Allowed | None) -> Ids:
        """See `Coarse.candidates`."""
        found: Ids = self._index.search(queries, count, params=selecting(allowed))[1]
        return found


def selecting(allowed: Allowed | None) -> Any:
    """FAISS's parameters of a search among what is `allowed`."""
    import faiss

    return None if allowed is None else faiss.SearchParameters(sel=allowed.selector)


def searched(index: Any, queries: Vectors, k: int, parameters: Any = None) -> list[Found]:
    """What a FAISS index finds for each query, as it scores it."""
    scores, positions = index.search(queries, k, params=parameters)
    return [(s[p >= 0], p[p >= 0]) for s, p in zip(scores, positions, strict=True)]


def scored(vectors: StoredVectors, query: Vectors, positions: Ids) -> Found:
    """What is at `positions`, best first, by the vectors themselves; `query` is `(dimension,)`.

    FAISS scores them as it scores all others, so that equal vectors have equal cosines.
    """
    index = empty_index(vectors.dimension)
    index.add_sa_codes(vectors.halves(positions))
    scores, order = index.search(query[None, :], len(positions))
    return scores[0], positions[order[0]]
