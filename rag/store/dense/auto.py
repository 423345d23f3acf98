"""The kind that fits the size."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from rag.store.dense.exact import ExactDense
from rag.store.dense.ivf import IvfDense
from rag.store.dense.large import EXACT_UP_TO, ExactUpTo
from rag.store.dense.pq import PqDense
from rag.store.dense.searcher import Structure
from rag.store.dense.two_tier import TwoTierDense

# Vectors that take more of the machine's memory than this are left on disk.
_MOST_MEMORY = 0.5
# To compare more codes than this takes longer than to look for the lists that are worth it.
_MOST_CODES = 2_000_000


class AutoDense:
    """Chooses for each part of the index by its size, as it was measured.

    Up to `exact_up_to` vectors `exact`; then `pq`, whose time grows with the index; `ivf` beyond
    two millions; and `two-tier` where the vectors would take more than half of the machine's
    memory.
    """

    circumstances: ClassVar[frozenset[str]] = frozenset({"exact_up_to"})

    def __init__(self, *, exact_up_to: ExactUpTo = EXACT_UP_TO) -> None:
        self.exact_up_to = exact_up_to

    def structures(self) -> Sequence[Structure]:
        """All that are chosen from."""
        return (ExactDense(), PqDense(), IvfDense(), TwoTierDense())

    def chosen(self, size: int, dimension: int) -> Structure:
        """What was the best of those that are fast enough."""
        exact, codes, lists, disk = self.structures()
        if size * dimension * 2 > _MOST_MEMORY * _memory():
            return disk
        if size <= self.exact_up_to:
            return exact
        return codes if size <= _MOST_CODES else lists


def _memory() -> int:
    """Bytes of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
