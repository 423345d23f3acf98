"""The control draws by lot, and always the same."""

from __future__ import annotations

import numpy as np
from founding import passage

from rag.protocols import Pruner
from rag.prune.random import RandomPruner
from rag.testing import PrunerSuite
from rag.testing.collection import MemoryCollection


class TestRandom(PrunerSuite):
    def make(self) -> Pruner:
        return RandomPruner()


def test_scores_are_even_and_depend_on_the_seed_alone() -> None:
    given = [passage(f"{n:04}", f"text {n}") for n in range(2_000)]
    first = RandomPruner(seed=1).judge(MemoryCollection(given)).scores
    other = RandomPruner(seed=2).judge(MemoryCollection(given)).scores
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.1
    assert np.histogram(first, bins=10, range=(0, 1))[0].min() > 140
    part = RandomPruner(seed=1).judge(MemoryCollection(given[::2])).scores
    assert part.tolist() == first[::2].tolist()
