"""Many questions at once: products of matrices, block by block."""

from __future__ import annotations

import numpy as np

from rag.protocols import Ids, Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.vectors import MappedVectors

_BLOCK = 16_384


def nearest_by_products(
    vectors: MappedVectors, queries: Vectors, count: int, allowed: Allowed | None
) -> Ids:
    """Positions `(m, count)` of the nearest, in no order, as single precision has them.

    A block of vectors is made of single precision once for all questions, and compared with them
    in one product: several times as fast as one scan for each. `count` must be there.
    """
    scores = np.empty((len(queries), 0), np.float32)
    found = np.empty((len(queries), 0), np.int64)
    for start in range(0, len(vectors), _BLOCK):
        positions = _positions(start, min(start + _BLOCK, len(vectors)), allowed)
        if not len(positions):
            continue
        # numpy's products are several times as fast as those of FAISS' wheels.
        near = queries @ vectors.at(positions).T
        best = _largest(near, count)
        scores = np.concatenate([scores, np.take_along_axis(near, best, axis=1)], axis=1)
        found = np.concatenate([found, positions[best]], axis=1)
        best = _largest(scores, count)
        scores = np.take_along_axis(scores, best, axis=1)
        found = np.take_along_axis(found, best, axis=1)
    return found


def _largest(scores: Vectors, count: int) -> Ids:
    """Where the `count` largest of each row stand, in no order; all where there are no more."""
    size = scores.shape[1]
    if size <= count:
        return np.broadcast_to(np.arange(size), scores.shape)
    return np.argpartition(scores, size - count, axis=1)[:, size - count :]


def _positions(start: int, stop: int, allowed: Allowed | None) -> Ids:
    if allowed is None:
        return np.arange(start, stop)
    return start + np.flatnonzero(allowed.marks[start:stop])
