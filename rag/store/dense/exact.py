"""Every vector is compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from rag.protocols import Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.flat import Flat, scored
from rag.store.dense.products import nearest_by_products
from rag.store.dense.searcher import TIES, Found, Searcher, Structure
from rag.store.dense.vectors import MappedVectors, VectorFile

# Questions from which on products of matrices cost less than scans.
_MANY = 20


class ExactDense:
    """Compares the question with every vector, in half precision.

    Results are exact, and the same for every order of updates. The time grows with the index.
    """

    use: ClassVar[str] = "exact"
    reads_from_disk: ClassVar[bool] = False

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
        return _Scan(vectors)


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
        return [
            scored(self._vectors, query, np.sort(positions))
            for query, positions in zip(queries, found, strict=True)
        ]
