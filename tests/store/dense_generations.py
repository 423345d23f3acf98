"""Generations of a dense index, and what they should hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Ids, Vectors
from rag.store.dense import DenseEngine, DenseEntries, DenseIndex

DIMENSION = 24


def ids(*rows: int) -> Ids:
    return np.array(rows, np.int64)


def unit(vectors: NDArray[np.floating[Any]]) -> Vectors:
    """Rows of length one, in half precision as the store keeps them."""
    normal = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    halves: Vectors = normal.astype(np.float16).astype(np.float32)
    return halves


def entries(rows: Ids, seed: int = 0) -> DenseEntries:
    """Random vectors; ten rows make a document."""
    vectors = unit(np.random.default_rng(seed).normal(size=(len(rows), DIMENSION)))
    return DenseEntries(rows, rows // 10, vectors)


def clustered(count: int, clusters: int = 40) -> DenseEntries:
    """Vectors around centres, as texts about the same things have; a centre is a document."""
    chance = np.random.default_rng(3)
    centres = chance.normal(size=(clusters, DIMENSION))
    points = centres[np.arange(count) % clusters] + chance.normal(size=(count, DIMENSION)) * 0.15
    rows = np.arange(1, count + 1)
    return DenseEntries(rows, np.arange(count) % clusters, unit(points.astype(np.float32)))


def reference(held: dict[int, Vectors], query: Vectors, k: int) -> list[int]:
    """The `k` nearest rows, by numpy."""
    rows = np.array(sorted(held))
    stored = np.stack([held[row] for row in rows.tolist()]).astype(np.float16).astype(np.float32)
    return [int(row) for row in rows[np.argsort(-(stored @ query), kind="stable")[:k]]]


class Generations:
    """Numbered generations of one engine, and what they should hold."""

    def __init__(self, folder: Path, engine: DenseEngine) -> None:
        self.folder, self.engine, self.number = folder, engine, 0
        self.held: dict[int, Vectors] = {}
        self.documents: dict[int, int] = {}

    def update(self, added: DenseEntries, *deleted: int) -> DenseIndex:
        old = self.folder / str(self.number) if self.number else None
        self.number += 1
        new = self.folder / str(self.number)
        self.engine.update(old, new, ids(*deleted), added)
        for row in deleted:
            del self.held[row]
        rows = added.rows.tolist()
        self.held.update(zip(rows, added.vectors, strict=True))
        self.documents.update(zip(rows, added.documents.tolist(), strict=True))
        return self.engine.open(new)
