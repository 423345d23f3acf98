"""The kind that fits the size."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from rag.store.dense.exact import ExactDense
from rag.store.dense.ivf import IvfDense
from rag.store.dense.searcher import Structure
from rag.store.dense.two_tier import TwoTierDense

# Vectors that take more of the machine's memory than this are left on disk.
_MOST_MEMORY = 0.5


class AutoDense:
    """Chooses for each part of the index by its size, as it was measured.

    Up to `exact_up_to` vectors `exact`; beyond it `ivf`; and `two-tier` where the vectors would
    take more than half of the machine's memory.
    """

    circumstances: ClassVar[frozenset[str]] = frozenset({"exact_up_to"})

    def __init__(self, *, exact_up_to: Annotated[int, Field(ge=0)] = 100_000) -> None:
        self.exact_up_to = exact_up_to

    def structures(self) -> Sequence[Structure]:
        """All that are chosen from."""
        return (ExactDense(), IvfDense(), TwoTierDense())

    def chosen(self, size: int, dimension: int) -> Structure:
        """What was the best of those that are fast enough."""
        exact, lists, disk = self.structures()
        if size * dimension * 2 > _MOST_MEMORY * _memory():
            return disk
        return exact if size <= self.exact_up_to else lists


def _memory() -> int:
    """Bytes of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
