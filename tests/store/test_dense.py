"""Nearest passages against a plain numpy reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dense_generations import DIMENSION, Generations, clustered, entries, ids, reference, unit

from rag.errors import IndexMismatchError
from rag.store.dense import DenseEngine, DenseEntries
from rag.store.dense.binary import BinaryDense
from rag.store.dense.exact import ExactDense
from rag.store.dense.hnsw import HnswDense
from rag.store.dense.ivf import IvfDense
from rag.store.dense.matryoshka import MatryoshkaDense
from rag.store.dense.pq import PqDense
from rag.store.dense.searcher import DenseKind
from rag.store.dense.two_tier import TwoTierDense

# Structures are made of the smallest segments, and everything is a candidate.
KINDS: dict[str, DenseKind] = {
    "exact": ExactDense(),
    "ivf": IvfDense(lists=4, probed=2, candidates=1_000, exact_up_to=0),
    "hnsw": HnswDense(ef=1_000, exact_up_to=0),
    "hamming": BinaryDense(scoring="hamming", candidates=1_000, exact_up_to=0),
    "binary": BinaryDense(bits=2, candidates=1_000, exact_up_to=0),
    "matryoshka": MatryoshkaDense(dimensions=8, candidates=1_000, exact_up_to=0),
    "two-tier": TwoTierDense(candidates=1_000),
    "pq": PqDense(candidates=1_000, exact_up_to=0),
}


@pytest.fixture(params=[*KINDS])
def generations(request: pytest.FixtureRequest, tmp_path: Path) -> Generations:
    return Generations(tmp_path, DenseEngine(KINDS[request.param]))


def test_random_updates_match_the_reference(generations: Generations) -> None:
    chance = np.random.default_rng(1)
    first = 1
    for step in range(12):
        size = int(chance.integers(0, 60))
        rows = np.arange(first, first + size)
        first += size
        alive = sorted(generations.held)
        gone = chance.choice(alive, int(chance.integers(0, len(alive) // 2 + 1)), replace=False)
        index = generations.update(entries(rows, step), *gone.tolist())
        assert index.rows().tolist() == sorted(generations.held)
        assert len(index) == len(generations.held)
        if generations.held:
            queries = unit(chance.normal(size=(3, DIMENSION)))
            found = index.search_many(queries, 10)
            for query, one in zip(queries, found, strict=True):
                assert [row for row, _ in one[:10]] == reference(generations.held, query, 10)
                assert [score for _, score in one] == sorted((s for _, s in one), reverse=True)


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


def test_an_opened_generation_outlives_its_files(generations: Generations) -> None:
    index = generations.update(entries(np.arange(1, 101)))
    for path in (generations.folder / "1").iterdir():
        path.unlink()
    found = [row for row, _ in index.search(generations.held[7], 3)[:3]]
    assert found == reference(generations.held, generations.held[7], 3)
    np.testing.assert_array_equal(index.at(ids(7))[0], generations.held[7])


def test_filters_hold_before_the_cut(generations: Generations) -> None:
    index = generations.update(entries(np.arange(1, 301)))
    query = unit(np.random.default_rng(9).normal(size=(1, DIMENSION)))[0]
    inside = {row: v for row, v in generations.held.items() if row // 10 in {3, 17}}
    for _ in range(2):
        found = index.search(query, 5, ids(3, 17))
        assert [row for row, _ in found[:5]] == reference(inside, query, 5)
    assert index.search(query, 5, ids()) == []
    assert len(index.search(query, 100, ids(3))) == 10
    index = generations.update(entries(ids()), *range(30, 35))
    assert len(index.search(query, 100, ids(3))) == 5


def test_all_ties_with_the_last_are_given(generations: Generations) -> None:
    same = np.tile(unit(np.ones((1, DIMENSION), np.float32)), (200, 1))
    rows = np.arange(1, 201)
    generations.update(DenseEntries(rows[:150], rows[:150], same[:150]))
    index = generations.update(DenseEntries(rows[150:], rows[150:], same[150:]))
    found = index.search(same[0], 3)
    assert {row for row, _ in found} == set(rows.tolist())
    assert len({score for _, score in found}) == 1


def test_no_more_than_asked_for_without_ties(generations: Generations) -> None:
    index = generations.update(entries(np.arange(1, 101)))
    assert index.search(generations.held[7], 0) == []
    assert [row for row, _ in index.search(generations.held[7], 1)] == [7]
    assert len(index.search(generations.held[7], 1_000)) == 100


def test_vectors_are_given_by_their_rows(generations: Generations) -> None:
    generations.update(entries(np.arange(1, 81)))
    index = generations.update(entries(np.arange(81, 101)), 5)
    rows = ids(99, 3, 1, 80, 81, 3)
    expected = np.stack([generations.held[row] for row in rows.tolist()])
    np.testing.assert_array_equal(index.at(rows), expected)
    assert len(index.at(ids())) == 0
    for unknown in (5, 0, 101):
        with pytest.raises(KeyError, match=str(unknown)):
            index.at(ids(1, unknown))
    for rows, vectors in index.vectors():
        np.testing.assert_array_equal(vectors, index.at(rows))


def test_a_vector_of_another_dimension_is_refused(generations: Generations) -> None:
    index = generations.update(entries(np.arange(1, 11)))
    with pytest.raises(IndexMismatchError, match=f"8 components .* {DIMENSION}"):
        index.search(np.ones(8, np.float32), 3)


def test_merges_keep_vectors(generations: Generations) -> None:
    generations.update(clustered(400))
    index = generations.update(entries(np.arange(2_001, 2_301)), *range(1, 101))
    assert index.rows().tolist() == sorted(generations.held)
    for rows, vectors in index.vectors():
        expected = np.stack([generations.held[row] for row in rows.tolist()])
        np.testing.assert_array_equal(vectors, expected)


def test_a_small_change_leaves_a_large_segment_as_it_is(generations: Generations) -> None:
    generations.update(entries(np.arange(1, 401)))
    generations.update(entries(np.arange(401, 441)), 7)
    for path in (generations.folder / "1").glob("1.*"):
        assert path.samefile(generations.folder / "2" / path.name)
