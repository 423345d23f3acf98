"""Nearest passages against a plain numpy reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
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
    chance = np.random.default_rng(3)
    centres = chance.normal(size=(clusters, DIMENSION))
    points = centres[np.arange(count) % clusters] + chance.normal(size=(count, DIMENSION)) * 0.15
    rows = np.arange(1, count + 1)
    return DenseEntries(rows, np.arange(count) % clusters, unit(points.astype(np.float32)))


def reference(held: dict[int, Vectors], query: Vectors, k: int) -> list[int]:
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


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    return Generations(tmp_path, DenseEngine())


def test_random_updates_match_the_reference(generations: Generations) -> None:
    chance = np.random.default_rng(1)
    first = 1
    for step in range(25):
        size = int(chance.integers(0, 60))
        rows = np.arange(first, first + size)
        first += size
        alive = sorted(generations.held)
        gone = chance.choice(alive, int(chance.integers(0, len(alive) // 2 + 1)), replace=False)
        index = generations.update(entries(rows, step), *gone.tolist())
        assert index.rows().tolist() == sorted(generations.held)
        assert len(index) == len(generations.held)
        if generations.held:
            query = unit(chance.normal(size=(1, DIMENSION)))[0]
            found = index.search(query, 10)
            assert [row for row, _ in found[:10]] == reference(generations.held, query, 10)


def test_deletion_alone_may_merge(generations: Generations) -> None:
    generations.update(entries(np.arange(1, 41)))
    index = generations.update(entries(ids()), *range(1, 31))
    assert index.rows().tolist() == list(range(31, 41))
    index = generations.update(entries(ids()), *range(31, 41))
    assert len(index) == 0
    assert index.search(np.ones(DIMENSION, np.float32), 5) == []
    assert generations.update(entries(ids(50))).rows().tolist() == [50]


def test_merge_of_a_segment_that_lost_its_younger_ones(generations: Generations) -> None:
    """What is left has the rows of the elder segment: it must not be written into its files."""
    generations.update(entries(np.arange(1, 9)))
    former = generations.update(entries(ids(9, 10, 11)))
    before = former.search(generations.held[3], 3)
    index = generations.update(entries(ids()), 9, 10, 11)
    assert index.rows().tolist() == list(range(1, 9))
    assert former.search(generations.held[3], 3) == before
    reopened = generations.engine.open(generations.folder / "2")
    assert reopened.rows().tolist() == list(range(1, 12))


def test_filters_hold_before_the_cut(generations: Generations) -> None:
    index = generations.update(entries(np.arange(1, 301)))
    query = unit(np.random.default_rng(9).normal(size=(1, DIMENSION)))[0]
    inside = {row: v for row, v in generations.held.items() if row // 10 in {3, 17}}
    found = index.search(query, 5, ids(3, 17))
    assert [row for row, _ in found[:5]] == reference(inside, query, 5)
    assert index.search(query, 5, ids()) == []
    assert len(index.search(query, 100, ids(3))) == 10


def test_all_ties_with_the_last_are_given(generations: Generations) -> None:
    same = np.tile(unit(np.ones((1, DIMENSION), np.float32)), (200, 1))
    rows = np.arange(1, 201)
    generations.update(DenseEntries(rows[:150], rows[:150], same[:150]))
    index = generations.update(DenseEntries(rows[150:], rows[150:], same[150:]))
    assert {row for row, _ in index.search(same[0], 3)} == set(rows.tolist())


def test_no_more_than_asked_for_without_ties(generations: Generations) -> None:
    index = generations.update(entries(np.arange(1, 101)))
    assert index.search(generations.held[7], 0) == []
    assert [row for row, _ in index.search(generations.held[7], 1)] == [7]
    assert len(index.search(generations.held[7], 1_000)) == 100


class TestApproximate:
    """Segments large enough for inverted lists."""

    @pytest.fixture
    def generations(self, tmp_path: Path) -> Generations:
        return Generations(tmp_path, DenseEngine(exact_up_to=1_000))

    def test_recall(self, generations: Generations) -> None:
        index = generations.update(clustered(4_000))
        queries = clustered(4_000).vectors[::40]
        recalls = []
        for query in queries:
            found = {row for row, _ in index.search(query, 10)[:10]}
            recalls.append(len(found & set(reference(generations.held, query, 10))) / 10)
        assert np.mean(recalls) >= 0.9

    def test_few_allowed_are_all_found(self, generations: Generations) -> None:
        index = generations.update(clustered(4_000))
        query = generations.held[1]
        for documents in (ids(20), ids(*range(20, 32))):
            inside = {
                row: v
                for row, v in generations.held.items()
                if generations.documents[row] in documents
            }
            found = [row for row, _ in index.search(query, 10, documents)]
            assert len(found) >= 10
            if len(documents) == 1:
                assert found[:10] == reference(inside, query, 10)

    def test_k_beyond_the_lists_that_are_probed(self, generations: Generations) -> None:
        index = generations.update(clustered(2_000))
        assert len(index.search(generations.held[1], 2_000)) == 2_000

    def test_merges_keep_vectors(self, generations: Generations) -> None:
        first = clustered(1_500)
        generations.update(first)
        added = entries(np.arange(2_001, 3_001))
        index = generations.update(added, *range(1, 101))
        assert index.rows().tolist() == sorted(generations.held)
        for rows, vectors in index.vectors():
            expected = np.stack([generations.held[row] for row in rows.tolist()])
            np.testing.assert_array_equal(vectors.astype(np.float16), expected.astype(np.float16))
