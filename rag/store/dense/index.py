"""An opened generation of a dense index."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from rag.errors import IndexMismatchError
from rag.protocols import Ids, Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.segment import Segment, Survivors
from rag.store.dense.threads import at_most
from rag.store.dense.unit import Unit, units

# Filters whose marks are kept: a backend asks with the same ones. Each takes two bytes a vector.
_KEPT = 4


class DenseIndex:
    """One opened generation; safe to search from several threads. Opening it reads no vector."""

    def __init__(self, segments: list[Segment], deleted: Ids) -> None:
        self._segments = segments
        self._units = [*units(segments)]
        self._deleted = deleted
        self._alive: dict[int, Allowed | None] = {}
        self._inside: dict[int, tuple[Ids, Sequence[Allowed | None]]] = {}
        self._marking = threading.Lock()

    def __len__(self) -> int:
        return sum(len(segment) for segment in self._segments) - len(self._deleted)

    @property
    def kinds(self) -> dict[str, int]:
        """How many vectors are searched by each kind of structure."""
        found: Counter[str] = Counter()
        for segment in self._segments:
            if segment.structure is not None:
                found[segment.structure.use] += len(segment)
        return dict(found)

    def rows(self) -> Ids:
        """Every passage row in the index, ascending."""
        parts = [np.asarray(segment.rows) for segment in self._segments]
        rows = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)
        return np.setdiff1d(rows, self._deleted, assume_unique=True)

    def vectors(self) -> Iterator[tuple[Ids, Vectors]]:
        """Rows with their vectors, block by block, for verification."""
        for segment in self._segments:
            entries = Survivors(segment, self._deleted)
            start = 0
            for block in entries.blocks():
                yield entries.rows[start : start + len(block)], block
                start += len(block)

    def at(self, rows: Ids) -> Vectors:
        """The vectors `(n, dimension)` of passage rows, as they are kept.

        Raises KeyError with a row that is not in the index.
        """
        left = np.flatnonzero(~np.isin(rows, self._deleted))
        found: list[tuple[Ids, Vectors]] = []
        for segment in self._segments:
            places, inside = segment.places(rows[left])
            if inside.any():
                found.append((left[inside], segment.vectors.at(places[inside])))
                left = left[~inside]
        dimension = found[0][1].shape[1] if found else 0
        vectors = np.empty((len(rows), dimension), np.float32)
        known = np.zeros(len(rows), bool)
        for where, part in found:
            vectors[where], known[where] = part, True
        if not known.all():
            raise KeyError(int(rows[np.argmin(known)]))
        return vectors

    def search(
        self, vector: Vectors, k: int, documents: Ids | None = None
    ) -> list[tuple[int, float]]:
        """The `k` nearest `(row, cosine)`, within `documents` where given; ties with the last too.

        `vector` is `(dimension,)` of length one. Scores descend.
        Raises IndexMismatchError where the index's vectors have another dimension.
        """
        return self.search_many(vector[None, :], k, documents)[0]

    def search_many(
        self, vectors: Vectors, k: int, documents: Ids | None = None
    ) -> list[list[tuple[int, float]]]:
        """The same for each of the vectors `(m, dimension)`, at less cost than one by one."""
        found: list[list[tuple[int, float]]] = [[] for _ in vectors]
        if k < 1 or not len(vectors):
            return found
        queries = np.ascontiguousarray(vectors, np.float32)
        for at, unit in enumerate(self._units):
            _check_dimension(queries, unit)
            allowed = self._allowed(at, documents)
            with at_most(len(queries)):
                nearest = unit.search(queries, k, allowed)
            for one, (scores, places) in zip(found, nearest, strict=True):
                one.extend(zip(unit.rows(places).tolist(), scores.tolist(), strict=True))
        return [_cut(one, k) for one in found]

    def _allowed(self, at: int, documents: Ids | None) -> Allowed | None:
        """What may be found in a unit; None where that is everything."""
        with self._marking:
            if documents is not None:
                return self._within(documents)[at]
            if at not in self._alive:
                self._alive[at] = self._units[at].allowed(self._deleted)
            return self._alive[at]

    def _within(self, documents: Ids) -> Sequence[Allowed | None]:
        # A generation keeps the documents that a filter selects: the same array comes again.
        if id(documents) not in self._inside:
            if len(self._inside) >= _KEPT:
                del self._inside[next(iter(self._inside))]
            marks = [unit.allowed(self._deleted, documents) for unit in self._units]
            self._inside[id(documents)] = (documents, marks)
        return self._inside[id(documents)][1]


def _check_dimension(queries: Vectors, unit: Unit) -> None:
    if queries.shape[1] != unit.dimension:
        raise IndexMismatchError(
            f"the question's vector has {queries.shape[1]} components and those of the index have "
            f"{unit.dimension}: ask with the encoder that made the index"
        )


def _cut(found: list[tuple[int, float]], k: int) -> list[tuple[int, float]]:
    found.sort(key=lambda pair: -pair[1])
    last = found[min(k, len(found)) - 1][1] if found else 0.0
    return [pair for pair in found if pair[1] >= last]
