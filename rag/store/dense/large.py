"""What the kinds share that make a structure where a segment is large, and scan small ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias

import numpy as np
from pydantic import Field

from rag.protocols import Vectors
from rag.store.dense.exact import ExactDense
from rag.store.dense.searcher import Searcher, Structure
from rag.store.dense.vectors import VectorFile

Count: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000)]
ExactUpTo: TypeAlias = Annotated[int, Field(ge=0)]
# A scan of so many takes about as long as what else a question costs.
EXACT_UP_TO = 20_000


class LargeDense(ABC):
    """A kind whose structure is made for segments of more than `exact_up_to` vectors."""

    use: ClassVar[str]
    reads_from_disk: ClassVar[bool] = False
    exact_up_to: int

    def structures(self) -> Sequence[Structure]:
        """Itself, and the scan of what is small."""
        return (self, ExactDense())

    def chosen(self, size: int, dimension: int) -> Structure:
        """Itself where the segment is large."""
        return self if size > self.exact_up_to else ExactDense()

    @abstractmethod
    def write(self, vectors: VectorFile, path: Path) -> None:
        """See `Structure.write`."""

    @abstractmethod
    def open(self, vectors: VectorFile, path: Path) -> Searcher:
        """See `Structure.open`."""


def sample(vectors: VectorFile, most: int) -> Vectors:
    """About `most` vectors `(n, dimension)`, evenly from all."""
    step = max(1, len(vectors) // most)
    return np.concatenate([*vectors.blocks(step)])
