"""Centrality: boilerplate lies apart, neighbours excuse small subjects."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from founding import passage

from rag.protocols import Pruner, Vectors
from rag.prune import centrality
from rag.prune.centrality import CentralityPruner
from rag.testing import HashingEncoder, PrunerSuite
from rag.testing.collection import MemoryCollection


class TestCentrality(PrunerSuite):
    def make(self) -> Pruner:
        return CentralityPruner()


class TestCentralityOfNeighbours(PrunerSuite):
    def make(self) -> Pruner:
        return CentralityPruner(neighbours=3)


class Given(MemoryCollection):
    """Passages with vectors of the test's own, in blocks of `size`."""

    def __init__(self, vectors: Vectors, size: int) -> None:
        super().__init__([passage(f"{n:04}", str(n)) for n in range(len(vectors))])
        self._vectors = vectors
        self._size = size

    def vectors(self) -> Iterator[Vectors]:
        for start in range(0, len(self._vectors), self._size):
            yield self._vectors[start : start + self._size]


def unit(rows: int, seed: int = 0) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float32)
    normed: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normed


def cosines(vectors: Vectors) -> Vectors:
    similar: Vectors = vectors @ vectors.T
    np.fill_diagonal(similar, np.nan)
    return similar


@pytest.mark.parametrize("size", [7, 40])
def test_the_score_is_the_mean_cosine_to_all_others(size: int) -> None:
    vectors = unit(40)
    scores = CentralityPruner().judge(Given(vectors, size)).scores
    assert scores == pytest.approx(np.nanmean(cosines(vectors), axis=1), abs=2e-6)


@pytest.mark.parametrize("size", [7, 40])
def test_the_score_is_the_mean_cosine_to_the_nearest(size: int) -> None:
    vectors = unit(40)
    scores = CentralityPruner(neighbours=5).judge(Given(vectors, size)).scores
    nearest = np.sort(np.nan_to_num(cosines(vectors), nan=-2), axis=1)[:, -5:]
    assert scores == pytest.approx(nearest.mean(axis=1), abs=2e-6)


def test_neighbours_may_be_sought_in_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = unit(300)
    exact = CentralityPruner(neighbours=3).judge(Given(vectors, 64)).scores
    monkeypatch.setattr(centrality, "_SAMPLE", 150)
    sampled = CentralityPruner(neighbours=3).judge(Given(vectors, 64)).scores
    assert (sampled <= exact + 2e-6).all(), "a sample holds no nearer neighbours"
    assert np.corrcoef(exact, sampled)[0, 1] > 0.5
    other_blocks = CentralityPruner(neighbours=3).judge(Given(vectors, 300)).scores
    assert sampled.tolist() == other_blocks.tolist()


def test_a_small_subject_is_far_from_the_mean_and_near_its_neighbours() -> None:
    main = [f"the pilot boards vessel {n} at the outer buoy" for n in range(30)]
    small = [f"bread dough number {n} proves overnight" for n in range(4)]
    lone = ["zzz"]
    given = [passage(f"{n:02}", text) for n, text in enumerate([*main, *small, *lone])]
    collection = MemoryCollection(given, HashingEncoder())
    by_mean = CentralityPruner().judge(collection).scores
    by_neighbours = CentralityPruner(neighbours=3).judge(collection).scores
    assert by_mean[30:34].max() < by_mean[:30].min() / 2
    assert by_neighbours[30:34].min() > by_neighbours[:30].min() * 0.8
    assert by_neighbours.argmin() == 34


def test_the_reason_says_how_far() -> None:
    given = [passage("a", "ferry lamp"), passage("b", "ferry oil"), passage("c", "nothing alike")]
    collection = MemoryCollection(given, HashingEncoder())
    assert CentralityPruner().judge(collection).why(0) == (
        "mean cosine to the rest of the collection is 0.25"
    )
    assert "its 2 nearest passages" in CentralityPruner(neighbours=9).judge(collection).why(2)
