"""Nearest passages by vector.

Vectors are kept once, in half precision, in segments: immutable files that are memory-mapped. A
change adds a segment and marks rows deleted, and a segment is merged with its elder when it has
grown to half its size, so that an update costs what the change costs. Where a segment is large,
the kind of index makes a structure beside its vectors, by which it is searched; everything that
is found is scored by the vectors (`docs/decisions/dense-index.md`).
"""

from rag.store.dense.engine import DenseEngine
from rag.store.dense.entries import DenseEntries
from rag.store.dense.index import DenseIndex
from rag.store.dense.segment import Segment

__all__ = ["DenseEngine", "DenseEntries", "DenseIndex", "Segment"]
