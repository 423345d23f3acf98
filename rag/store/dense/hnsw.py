"""A graph of neighbours (HNSW, Malkov and Yashunin 2018) over the vectors as they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rag.protocols import Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.flat import Flat, searched
from rag.store.dense.large import EXACT_UP_TO, Count, ExactUpTo, LargeDense
from rag.store.dense.searcher import TIES, Found, Searcher
from rag.store.dense.vectors import MappedVectors, VectorFile

# Where a filter leaves less than this, a scan of what it leaves costs less than the way to it.
_LEAST_SHARE = 1 / 8


class HnswDense(LargeDense):
    """A graph whose edges lead from any vector to the nearest ones.

    Each vector has `links` neighbours, chosen among `breadth` when it is added; `ef` is how many
    vectors a search keeps in sight. It is fast and takes long to make. Parts of the index up to
    `exact_up_to` vectors, and what a narrow filter leaves, are compared whole.
    """

    use: ClassVar[str] = "hnsw"
    circumstances: ClassVar[frozenset[str]] = frozenset({"ef", "exact_up_to"})

    def __init__(
        self,
        *,
        links: Annotated[int, Field(ge=4, le=128)] = 16,
        breadth: Annotated[int, Field(ge=8, le=2_000)] = 80,
        ef: Count = 128,
        exact_up_to: ExactUpTo = EXACT_UP_TO,
    ) -> None:
        self.links = links
        self.breadth = breadth
        self.ef = ef
        self.exact_up_to = exact_up_to

    def write(self, vectors: VectorFile, path: Path) -> None:
        """The graph alone; the vectors that it is made of are in memory meanwhile, in halves."""
        import faiss

        half = faiss.ScalarQuantizer.QT_fp16
        index = faiss.IndexHNSWSQ(vectors.dimension, half, self.links, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = self.breadth
        for block in vectors.blocks():
            index.add(block)
        faiss.write_index(index, str(path), faiss.IO_FLAG_SKIP_STORAGE)

    def open(self, vectors: VectorFile, path: Path) -> Searcher:
        """Map the graph, over the mapped vectors."""
        import faiss

        assert isinstance(vectors, MappedVectors)
        flags = faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_SKIP_STORAGE
        graph = faiss.read_index(str(path), flags)
        graph.storage = vectors.index
        graph.own_fields = False
        return _Graph(graph, vectors, self.ef)


class _Graph:
    """A search from neighbour to neighbour; a scan where that would go through most of them."""

    def __init__(self, graph: Any, vectors: MappedVectors, ef: int) -> None:
        self._graph = graph
        # The graph points to them.
        self._vectors = vectors
        self._ef = ef

    def nearest(self, queries: Vectors, k: int, allowed: Allowed | None) -> list[Found]:
        """See `Searcher.nearest`."""
        share = 1.0 if allowed is None else allowed.share
        there = len(self._vectors) * share
        limit = k + TIES
        ef = int(max(self._ef, limit) / max(share, _LEAST_SHARE))
        flat = Flat(self._vectors.index)
        if share < _LEAST_SHARE or 2 * ef >= there:
            return flat.nearest(queries, k, allowed)
        found = searched(self._graph, queries, limit, self._parameters(ef, allowed))
        # A vector that nothing leads to is missed: equal ones may have one another alone.
        return [
            one if len(one[0]) >= min(limit, there) else flat.nearest(query[None, :], k, allowed)[0]
            for query, one in zip(queries, found, strict=True)
        ]

    def _parameters(self, ef: int, allowed: Allowed | None) -> Any:
        import faiss

        among = {} if allowed is None else {"sel": allowed.selector}
        return faiss.SearchParametersHNSW(efSearch=ef, **among)
