"""Inverted lists of codes (Jégou, Douze and Schmid 2011), and the vectors for the best.

Codes of few bits are those of RaBitQ (Gao and Long 2024), of what is left beside the list's centre.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rag.protocols import Ids, Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.codes import QUERY_BITS
from rag.store.dense.large import EXACT_UP_TO, Count, ExactUpTo, LargeDense, sample
from rag.store.dense.rescoring import Rescored
from rag.store.dense.searcher import Searcher
from rag.store.dense.vectors import VectorFile

# Vectors that the centre of a list is the mean of, when lists are made.
_TRAINED_ON = 64
_ROUNDS = 10
# Bits of a component that is kept as a number of its own.
_SCALAR = 8


class IvfDense(LargeDense):
    """Vectors in lists by the centre that they are nearest to; few lists are looked at.

    There are `lists` lists, the square root of the number of vectors by default, with codes of
    `bits` bits for a component. A question is compared with the codes in the `probed` nearest
    lists, more of them under a filter, and with the vectors of the best `candidates`. Parts of
    the index up to `exact_up_to` vectors are compared whole.
    """

    use: ClassVar[str] = "ivf"
    circumstances: ClassVar[frozenset[str]] = frozenset({"probed", "candidates", "exact_up_to"})

    def __init__(
        self,
        *,
        lists: Annotated[int, Field(ge=1, le=1_000_000)] | None = None,
        bits: Literal[1, 2, 4, 8] = 1,
        probed: Count = 128,
        candidates: Count = 300,
        exact_up_to: ExactUpTo = EXACT_UP_TO,
    ) -> None:
        self.lists = lists
        self.bits = bits
        self.probed = probed
        self.candidates = candidates
        self.exact_up_to = exact_up_to

    def write(self, vectors: VectorFile, path: Path) -> None:
        """Lists trained on some of the vectors, and the codes of all."""
        import faiss

        lists = min(self.lists or math.isqrt(len(vectors)), len(vectors))
        index = self._empty(vectors.dimension, lists)
        index.cp.spherical = True
        index.cp.niter = _ROUNDS
        # Fewer vectors than FAISS would like are what there is.
        index.cp.min_points_per_centroid = 1
        index.train(sample(vectors, _TRAINED_ON * lists))
        for block in vectors.blocks():
            index.add(block)
        faiss.write_index(index, str(path))

    def _empty(self, dimension: int, lists: int) -> Any:
        import faiss

        product = faiss.METRIC_INNER_PRODUCT
        centres = faiss.IndexFlatIP(dimension)
        if self.bits == _SCALAR:
            code = faiss.ScalarQuantizer.QT_8bit
            return faiss.IndexIVFScalarQuantizer(centres, dimension, lists, code, product, False)
        return faiss.IndexIVFRaBitQ(centres, dimension, lists, product, True, self.bits)

    def open(self, vectors: VectorFile, path: Path) -> Searcher:
        """Map the lists."""
        import faiss

        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        return Rescored(_Lists(index, self.probed), vectors, self.candidates)


class _Lists:
    """The nearest lists of an index, and all of them where those hold too little."""

    def __init__(self, index: Any, probed: int) -> None:
        self._index = index
        self._probed = probed

    def candidates(self, queries: Vectors, count: int, allowed: Allowed | None) -> Ids:
        """See `Coarse.candidates`."""
        share = 1.0 if allowed is None else allowed.share
        # What is allowed lies thinner in the lists.
        probed = min(math.ceil(self._probed / share), self._index.nlist)
        found = self._search(queries, count, allowed, probed)
        short = (found < 0).any(axis=1)
        if probed < self._index.nlist and short.any():
            found[short] = self._search(queries[short], count, allowed, self._index.nlist)
        return found

    def _search(self, queries: Vectors, count: int, allowed: Allowed | None, probed: int) -> Ids:
        import faiss

        options: dict[str, Any] = {"nprobe": probed}
        if allowed is not None:
            options["sel"] = allowed.selector
        if isinstance(self._index, faiss.IndexIVFRaBitQ):
            parameters = faiss.IVFRaBitQSearchParameters(qb=QUERY_BITS, **options)
        else:
            parameters = faiss.SearchParametersIVF(**options)
        found: Ids = self._index.search(queries, count, params=parameters)[1]
        return found
