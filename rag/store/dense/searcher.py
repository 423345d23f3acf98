"""How a segment is searched, and how one is made that can be: what each kind promises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias

import numpy as np

from rag.protocols import Ids, Vectors
from rag.store.dense.allowed import Allowed
from rag.store.dense.vectors import VectorFile

Found: TypeAlias = tuple[Vectors, Ids]
"""Cosines `(n,)`, descending, and the positions `(n,)` of what has them."""

# Looked for beside the `k` nearest: what ties with the last is wanted too.
TIES = 16

NONE: Found = (np.empty(0, np.float32), np.empty(0, np.int64))
"""Nothing found."""


class Searcher(Protocol):
    """An opened segment's way to be searched. Threads may share it."""

    def nearest(self, queries: Vectors, k: int, allowed: Allowed | None) -> list[Found]:
        """For each of the queries `(m, dimension)` the `k` nearest of what is `allowed`, or more.

        Fewer where there are fewer. Cosines are those of the vectors in half precision.
        """
        ...


class Structure(Protocol):
    """What is made beside the vectors of a segment, and searches it.

    `use` is the name that a segment is recorded with; `reads_from_disk` says that its vectors
    are not to be mapped into memory.
    """

    use: ClassVar[str]
    reads_from_disk: ClassVar[bool]

    def write(self, vectors: VectorFile, path: Path) -> None:
        """Make the structure in the file `path`, or none where the kind needs none."""
        ...

    def open(self, vectors: VectorFile, path: Path) -> Searcher:
        """Open what `write` made; no work of the index's size is done."""
        ...


class DenseKind(Protocol):
    """A kind of dense index, as a pipeline names it."""

    def structures(self) -> Sequence[Structure]:
        """All that a segment may be searched by."""
        ...

    def chosen(self, size: int, dimension: int) -> Structure:
        """What a new segment of `size` vectors `(dimension,)` is searched by."""
        ...
