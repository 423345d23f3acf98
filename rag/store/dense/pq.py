"""Product quantisation (Jégou, Douze and Schmid 2011), its codes scanned in registers.

The codes of 32 vectors lie side by side, so that a processor looks up the products of all of them
with a question at once (André, Kermarrec and Le Scouarnec 2015; FAISS calls it FastScan). It then
waits for memory, which is read faster by two cores than by one: codes are kept in parts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rag.cores import cores
from rag.protocols import Ids, Vectors
from rag.store.beside import beside
from rag.store.dense.allowed import Allowed
from rag.store.dense.among import among
from rag.store.dense.large import EXACT_UP_TO, Count, ExactUpTo, LargeDense, sample
from rag.store.dense.rescoring import Rescored
from rag.store.dense.searcher import Searcher
from rag.store.dense.vectors import VectorFile

# Bits of a code, as the registers take them, and vectors that each of its values is the mean of.
_CODE_BITS = 4
_TRAINED_ON = 256
_ROUNDS = 10
# Vectors of a part: their codes, some megabytes, take about two milliseconds.
_PART = 131_072


class PqDense(LargeDense):
    """Codes of all vectors are compared; then the vectors of the best.

    Each `group` of components has one of 16 values. The more components it has, the less is to
    be compared, and the more `candidates`, of all parts of the index together, it takes. How hard
    the vectors are to tell apart matters less than for `ivf`, since nothing is left out. Parts of
    the index up to `exact_up_to` vectors, and what a narrow filter leaves, are compared whole.
    """

    use: ClassVar[str] = "pq"
    circumstances: ClassVar[frozenset[str]] = frozenset({"candidates", "exact_up_to"})

    def __init__(
        self,
        *,
        group: Literal[2, 3, 4] = 2,
        candidates: Count = 300,
        exact_up_to: ExactUpTo = EXACT_UP_TO,
    ) -> None:
        self.group = group
        self.candidates = candidates
        self.exact_up_to = exact_up_to

    def write(self, vectors: VectorFile, path: Path) -> None:
        """Values trained on some of the vectors, and the codes of all, part by part."""
        import faiss

        index = self._trained(vectors)
        with path.open("wb") as file:
            writer = faiss.PyCallbackIOWriter(file.write)
            for block in vectors.blocks():
                if index.ntotal >= _PART:
                    faiss.write_index(index, writer)
                    index.reset()
                index.add(_filled(block, index.d))
            faiss.write_index(index, writer)

    def _trained(self, vectors: VectorFile) -> Any:
        import faiss

        codes = math.ceil(vectors.dimension / self.group)
        product = faiss.METRIC_INNER_PRODUCT
        index = faiss.IndexPQFastScan(codes * self.group, codes, _CODE_BITS, product)
        index.pq.cp.niter = _ROUNDS
        # Fewer vectors than FAISS would like are what there is; it insists on one for each value.
        index.pq.cp.min_points_per_centroid = 1
        drawn = _filled(sample(vectors, _TRAINED_ON << _CODE_BITS), index.d)
        index.train(np.resize(drawn, (max(len(drawn), 1 << _CODE_BITS), index.d)))
        return index

    def open(self, vectors: VectorFile, path: Path) -> Searcher:
        """Read the codes: FAISS does not map them."""
        return Rescored(_Codes([*_read(path)]), vectors, self.candidates)


class _Codes:
    """Every code is compared."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = parts
        ends = np.cumsum([0, *(part.ntotal for part in parts)]).tolist()
        self._starts, self._count = ends[:-1], ends[-1]

    def joined(self, others: Sequence[_Codes]) -> _Codes:
        """See `Joinable.joined`: each part has values of its own."""
        return _Codes([*self._parts, *(part for one in others for part in one._parts)])

    def candidates(self, queries: Vectors, count: int, allowed: Allowed | None) -> Ids:
        """See `Coarse.candidates`. They are more where a filter leaves little."""
        search = partial(self._search, _filled(queries, self._parts[0].d))
        if allowed is None:
            return search(count)
        found = among(search, count, allowed)
        if found is None:
            return np.broadcast_to(allowed.positions, (len(queries), allowed.count))
        return found

    def _search(self, queries: Vectors, count: int) -> Ids:
        """Positions of the best codes `(m, count)`, best first, or all where FAISS finds fewer.

        It never finds what has the least score that can be: many have it where all are alike.
        """
        found = self._searched(queries, count)
        scores = np.concatenate([scores for scores, _ in found], axis=1)
        positions = np.concatenate(
            [start + own for start, (_, own) in zip(self._starts, found, strict=True)], axis=1
        )
        if any((own < 0).any() for _, own in found):
            return np.broadcast_to(np.arange(self._count), (len(queries), self._count))
        order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(positions, order, axis=1)

    def _searched(self, queries: Vectors, count: int) -> list[tuple[NDArray[np.float32], Ids]]:
        calls = [partial(part.search, queries, min(count, part.ntotal)) for part in self._parts]
        if len(calls) == 1 or len(queries) > 1 or cores() == 1:
            # FAISS shares out questions by itself.
            return [call() for call in calls]
        return [*beside("rag-codes").map(lambda call: call(), calls)]


def _read(path: Path) -> Iterator[Any]:
    """The indexes that a file holds, one after the other."""
    import faiss

    size = path.stat().st_size
    with path.open("rb") as file:
        reader = faiss.PyCallbackIOReader(file.read)
        while file.tell() < size:
            yield faiss.read_index(reader)


def _filled(vectors: Vectors, dimension: int) -> Vectors:
    """The same with components of zero up to `dimension`."""
    lacking = dimension - vectors.shape[1]
    return np.pad(vectors, ((0, 0), (0, lacking))) if lacking else vectors
