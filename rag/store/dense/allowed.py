"""The positions of a segment that a search may find."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Ids

if TYPE_CHECKING:
    import faiss


class Allowed:
    """What `marks` `(n,)` says may be found."""

    def __init__(self, marks: NDArray[np.bool_]) -> None:
        self.marks = marks
        self.count = int(np.count_nonzero(marks))

    @property
    def share(self) -> float:
        """How much of everything it is, above 0 to 1."""
        return self.count / max(1, len(self.marks))

    @property
    def positions(self) -> Ids:
        """The positions, ascending."""
        return np.flatnonzero(self.marks)

    @cached_property
    def selector(self) -> faiss.IDSelector:
        """The same as FAISS takes it."""
        import faiss

        return faiss.IDSelectorBitmap(np.packbits(self.marks, bitorder="little"))
