"""Every vector is compared, by the processor or a GPU."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rag.cores import Device
from rag.protocols import Ids, Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.among import among
from rag.store.dense.flat import Flat, scored
from rag.store.dense.gpu import MOST_FOUND, on_gpu
from rag.store.dense.products import nearest_by_products
from rag.store.dense.searcher import TIES, Found, Searcher, Structure
from rag.store.dense.vectors import MappedVectors, VectorFile

# Vectors from which on a GPU is asked where there is one.
_LEAST_ON_GPU = 100_000
# Questions from which on products of matrices cost less than scans.
_MANY = 20


class ExactDense:
    """Compares the question with every vector, in half precision.

    Results are exact, and the same for every order of updates. The time grows with the index. A
    GPU compares large parts of it, where `device` allows it, FAISS is one that can (the extra
    `gpu`), and the vectors fit; `cuda` insists on it. What it finds is scored as the processor
    does, and under narrow filters the processor searches.
    """

    use: ClassVar[str] = "exact"
    reads_from_disk: ClassVar[bool] = False
    circumstances: ClassVar[frozenset[str]] = frozenset({"device"})

    def __init__(self, *, device: Device = "auto") -> None:
        self.device: Device = device

    def structures(self) -> Sequence[Structure]:
        """Itself."""
        return (self,)

    def chosen(self, size: int, dimension: int) -> Structure:
        """Itself, whatever the size."""
        return self

    def write(self, vectors: VectorFile, path: Path) -> None:
        """Nothing: the vectors are all that it needs."""

    def open(self, vectors: VectorFile, path: Path) -> Searcher:
        """The scan."""
        assert isinstance(vectors, MappedVectors)
        scan = _Scan(vectors)
        return scan if self.device == "cpu" else _OnGpu(scan, vectors, self.device)


class _Scan(Flat):
    """A scan for one question or a few, and products for many."""

    def __init__(self, vectors: MappedVectors) -> None:
        super().__init__(vectors.index)
        self._vectors = vectors

    def nearest(self, queries: Vectors, k: int, allowed: Allowed | None) -> list[Found]:
        """See `Searcher.nearest`."""
        there = len(self._vectors) if allowed is None else allowed.count
        if len(queries) < _MANY or not there:
            return super().nearest(queries, k, allowed)
        found = nearest_by_products(self._vectors, queries, min(k + TIES, there), allowed)
        # So that company does not change the bits of a score.
        return _scored(self._vectors, queries, found)


class _OnGpu:
    """The vectors copied to a GPU when they are first searched, and otherwise the scan."""

    def __init__(self, scan: _Scan, vectors: MappedVectors, device: Device) -> None:
        self._scan = scan
        self._vectors = vectors
        self._device = device
        # One thread at a time may use the copy.
        self._lock = threading.Lock()

    @cached_property
    def _copy(self) -> Any:
        # Fewer are compared before a GPU is at work.
        few = self._device == "auto" and len(self._vectors) < _LEAST_ON_GPU
        return None if few else on_gpu(self._vectors.index, self._device)

    def nearest(self, queries: Vectors, k: int, allowed: Allowed | None) -> list[Found]:
        """See `Searcher.nearest`."""
        with self._lock:
            found = self._found(queries, k + TIES, allowed)
        if found is None:
            return self._scan.nearest(queries, k, allowed)
        return _scored(self._vectors, queries, found)

    def _found(self, queries: Vectors, count: int, allowed: Allowed | None) -> Ids | None:
        if self._copy is None or count > min(len(self._vectors), MOST_FOUND):
            return None
        if allowed is None:
            return self._search(queries, count)
        if count > allowed.count:
            return None
        return among(partial(self._search, queries), count, allowed, MOST_FOUND)

    def _search(self, queries: Vectors, count: int) -> Ids:
        found: Ids = self._copy.search(queries, count)[1]
        return found


def _scored(vectors: MappedVectors, queries: Vectors, found: Ids) -> list[Found]:
    return [
        scored(vectors, query, np.sort(positions))
        for query, positions in zip(queries, found, strict=True)
    ]
