"""Codes of a bit or a few for each component, compared with a question at small cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rag.protocols import Ids, Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.flat import selecting
from rag.store.dense.large import sample
from rag.store.dense.rescoring import Coarse
from rag.store.dense.vectors import VectorFile

Bits: TypeAlias = Annotated[int, Field(ge=1, le=4)]
Scoring: TypeAlias = Literal["asymmetric", "hamming"]
# The mean of so many tells where the middle of all is.
_TRAINED_ON = 65_536
# Bits of a question's components, where the codes have one: it is compared by counting bits.
QUERY_BITS = 4


def write_codes(vectors: VectorFile, path: Path, bits: int, scoring: Scoring) -> None:
    """Codes of all vectors, in the file `path`."""
    if scoring == "hamming":
        _write_signs(vectors, path)
    else:
        _write_residuals(vectors, path, bits)


def open_codes(path: Path, scoring: Scoring) -> Coarse:
    """Map the codes that `write_codes` made."""
    import faiss

    if scoring == "hamming":
        return _Signs(faiss.read_index_binary(str(path), faiss.IO_FLAG_MMAP_IFC))
    return _Residuals(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))


def _write_signs(vectors: VectorFile, path: Path) -> None:
    import faiss

    index = faiss.IndexBinaryFlat(-(-vectors.dimension // 8) * 8)
    for block in vectors.blocks():
        index.add(_signs(block))
    faiss.write_index_binary(index, str(path))


def _write_residuals(vectors: VectorFile, path: Path, bits: int) -> None:
    import faiss

    index = faiss.IndexRaBitQ(vectors.dimension, faiss.METRIC_INNER_PRODUCT, bits)
    index.train(sample(vectors, _TRAINED_ON))
    for block in vectors.blocks():
        index.add(block)
    index.qb = QUERY_BITS
    faiss.write_index(index, str(path))


class _Signs:
    """The sign of each component, for the question too: Hamming distances."""

    def __init__(self, index: Any) -> None:
        self._index = index

    def candidates(self, queries: Vectors, count: int, allowed: Allowed | None) -> Ids:
        """See `Coarse.candidates`."""
        found: Ids = self._index.search(_signs(queries), count, params=selecting(allowed))[1]
        return found


class _Residuals:
    """Codes of what is left beside the mean of all, against the question as it is."""

    def __init__(self, index: Any) -> None:
        self._index = index

    def candidates(self, queries: Vectors, count: int, allowed: Allowed | None) -> Ids:
        """See `Coarse.candidates`."""
        import faiss

        among = {} if allowed is None else {"sel": allowed.selector}
        parameters = faiss.RaBitQSearchParameters(qb=QUERY_BITS, **among)
        found: Ids = self._index.search(queries, count, params=parameters)[1]
        return found


def _signs(vectors: Vectors) -> NDArray[np.uint8]:
    return np.packbits(vectors > 0, axis=1)
