"""What is searched as one: a segment, or several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from rag.protocols import Ids, Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.rescoring import joined
from rag.store.dense.searcher import NONE, Found, Searcher
from rag.store.dense.segment import Segment
from rag.store.dense.vectors import parted, starts


class Unit:
    """Segments that one searcher searches; positions count through them, in order."""

    def __init__(self, segments: Sequence[Segment], searcher: Searcher) -> None:
        self._segments = segments
        self._searcher = searcher
        self._starts = starts(segments)
        self.dimension = segments[0].vectors.dimension

    def __len__(self) -> int:
        return int(self._starts[-1])

    def rows(self, positions: Ids) -> Ids:
        """The passage rows `(n,)` of what stands at `positions`."""
        rows = np.empty(len(positions), np.int64)
        for part, here, own in parted(positions, self._starts):
            rows[here] = self._segments[part].rows[own]
        return rows

    def allowed(self, deleted: Ids, documents: Ids | None = None) -> Allowed | None:
        """What is not `deleted`, and of `documents` where given; None where that is everything."""
        marks = np.concatenate([one.marks(deleted, documents) for one in self._segments])
        return None if documents is None and marks.all() else Allowed(marks)

    def search(self, queries: Vectors, k: int, allowed: Allowed | None) -> list[Found]:
        """For each query `(m, dimension)` the `k` nearest and those that tie with the last.

        Equal texts have equal vectors, so ties are not rare.
        """
        there = len(self) if allowed is None else allowed.count
        found = [NONE] * len(queries)
        left, limit = np.arange(len(queries)), k
        while len(left) and there:
            nearest = self._searcher.nearest(queries[left], limit, allowed)
            for query, one in zip(left.tolist(), nearest, strict=True):
                found[query] = one
            left = left[[_cut_ties(scores, k, there) for scores, _ in nearest]]
            limit = 4 * max(len(scores) for scores, _ in nearest)
        return [_best(one, k) for one in found]


def units(segments: Sequence[Segment]) -> Iterator[Unit]:
    """Segments as they are searched: those of a kind together, where it can be."""
    by_kind = sorted((one for one in segments if one.structure), key=_use)
    for _, group in groupby(by_kind, key=_use):
        some = [*group]
        searchers = [one.searcher for one in some if one.searcher is not None]
        whole = joined(searchers)
        if whole is not None:
            yield Unit(some, whole)
        else:
            yield from (Unit([one], own) for one, own in zip(some, searchers, strict=True))


def _use(segment: Segment) -> str:
    assert segment.structure is not None
    return segment.structure.use


def _cut_ties(scores: Vectors, k: int, there: int) -> bool:
    """Whether what ties with the `k`th may have been left out."""
    return k <= len(scores) < there and bool(scores[-1] >= scores[k - 1])


def _best(found: Found, k: int) -> Found:
    scores, positions = found
    if len(scores) <= k:
        return found
    # Scores descend.
    keep = int(np.count_nonzero(scores >= scores[k - 1]))
    return scores[:keep], positions[:keep]
