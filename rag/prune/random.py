"""Pruning by lot: the control that any other pruner has to beat."""

from __future__ import annotations

import hashlib

import numpy as np

from rag.protocols import Collection, Quality
from rag.types import Passage


class RandomPruner:
    """Scores by lot: a control for `rag prune --curve`, and of no use otherwise.

    A passage draws by its id, its text and `seed`, so that it always draws the same.
    """

    needs_vectors = False

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed

    def judge(self, collection: Collection) -> Quality:
        """Scores are spread evenly over 0 to 1."""
        scores = np.array([self._drawn(one) for one in collection.passages()], np.float64)
        return Quality(scores, lambda _: "drawn by lot")

    def _drawn(self, passage: Passage) -> float:
        record = f"{self._seed}\0{passage.id}\0{passage.text}".encode()
        return int.from_bytes(hashlib.blake2b(record, digest_size=6).digest()) / 2**48
