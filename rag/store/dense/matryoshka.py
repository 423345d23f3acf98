"""The first components of vectors (Kusupati et al. 2022), and whole vectors for the best."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from rag.errors import RequestError
from rag.protocols import Ids, Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.flat import Flat
from rag.store.dense.large import EXACT_UP_TO, Count, ExactUpTo, LargeDense
from rag.store.dense.rescoring import Rescored
from rag.store.dense.searcher import Searcher
from rag.store.dense.vectors import MappedVectors, VectorFile, write_vectors


class MatryoshkaDense(LargeDense):
    """Only the first `dimensions` components are compared; then the whole vectors of the best.

    It is for encoders that were trained so that their first components say most; others lose
    more. What is left of a vector is made one long again. Parts of the index up to `exact_up_to`
    vectors are compared whole.
    """

    use: ClassVar[str] = "matryoshka"
    circumstances: ClassVar[frozenset[str]] = frozenset({"candidates", "exact_up_to"})

    def __init__(
        self,
        *,
        dimensions: Annotated[int, Field(ge=1)] = 128,
        candidates: Count = 200,
        exact_up_to: ExactUpTo = EXACT_UP_TO,
    ) -> None:
        self.dimensions = dimensions
        self.candidates = candidates
        self.exact_up_to = exact_up_to

    def write(self, vectors: VectorFile, path: Path) -> None:
        """The first components of all vectors, in half precision.

        Raises RequestError where the vectors have fewer.
        """
        if self.dimensions > vectors.dimension:
            raise RequestError(
                f"index.dense.dimensions is {self.dimensions}, and the encoder's vectors have "
                f"{vectors.dimension} components: lower it"
            )
        write_vectors(path, len(vectors), self.dimensions, self._firsts(vectors))

    def _firsts(self, vectors: VectorFile) -> Iterator[Vectors]:
        return (_first(block, self.dimensions) for block in vectors.blocks())

    def open(self, vectors: VectorFile, path: Path) -> Searcher:
        """Map the first components."""
        return Rescored(_Firsts(MappedVectors(path)), vectors, self.candidates)


class _Firsts:
    """A scan of the first components."""

    def __init__(self, vectors: MappedVectors) -> None:
        self._dimensions = vectors.dimension
        self._flat = Flat(vectors.index)

    def candidates(self, queries: Vectors, count: int, allowed: Allowed | None) -> Ids:
        """See `Coarse.candidates`."""
        return self._flat.candidates(_first(queries, self._dimensions), count, allowed)


def _first(vectors: Vectors, dimensions: int) -> Vectors:
    cut = np.ascontiguousarray(vectors[:, :dimensions])
    unit: Vectors = cut / np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), 1e-12)
    return unit
