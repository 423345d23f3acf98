"""What is added to a dense index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rag.protocols import Ids, Vectors

_BLOCK = 16_384


@dataclass(frozen=True, slots=True)
class DenseEntries:
    """Additions: passage rows, ascending, and document rows `(n,)`, unit vectors `(n, dimension)`.

    `vectors` may be in half precision, and may be mapped from a file: it is read in blocks.
    """

    rows: Ids
    documents: Ids
    vectors: Vectors

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return int(self.vectors.shape[1])

    def blocks(self) -> Iterator[Vectors]:
        """The vectors, some at a time."""
        for start in range(0, len(self.rows), _BLOCK):
            yield np.asarray(self.vectors[start : start + _BLOCK], np.float32)
