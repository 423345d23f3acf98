"""The best of all ways to cut, against all ways to cut; and the highest distances."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chunk.breakpoints import Stretch, distances, optimum, percentile


def stretch(
    seed: int, size: int, room: int = 12, parted: tuple[int, ...] = (), dimension: int = 4
) -> Stretch:
    chance = np.random.default_rng(seed)
    vectors = chance.normal(size=(size, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tokens = chance.integers(1, 6, size)
    rooms = room - chance.integers(0, 3, size)
    return Stretch(vectors, tokens, rooms, np.isin(np.arange(size), parted))


def every_way(size: int) -> list[list[int]]:
    inner = range(1, size)
    return [[*ends, size] for n in range(size) for ends in combinations(inner, n)]


def allowed(given: Stretch, start: int, end: int) -> bool:
    fits = given.tokens[start:end].sum() <= given.rooms[start]
    return (fits and not given.apart[start + 1 : end].any()) or end == start + 1


def worth(given: Stretch, ends: list[int], least: int) -> tuple[int, float]:
    """Fewest short passages, and then the sum over pairs; pair by pair."""
    size = len(given)
    cosines = [[float(a.astype(float) @ b.astype(float)) for b in given.vectors] for a in
               given.vectors]  # fmt: skip
    pairs = [cosines[a][b] for a, b in combinations(range(size), 2)]
    mean = sum(pairs) / len(pairs) if pairs else 0.0
    short, total = 0, 0.0
    for start, end in zip([0, *ends], ends, strict=False):
        short += given.tokens[start:end].sum() < least
        total += sum(cosines[a][b] - mean for a, b in combinations(range(start, end), 2))
    return -short, total


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(1, 9),
    room=st.integers(4, 25),
    least=st.integers(0, 8),
    parted=st.sets(st.integers(1, 8), max_size=2),
)
def test_optimum_is_the_best_way(
    seed: int, size: int, room: int, least: int, parted: set[int]
) -> None:
    one = stretch(seed, size, room, tuple(parted))
    found = optimum(one, least)
    ways = [
        ends
        for ends in every_way(size)
        if all(allowed(one, a, b) for a, b in zip([0, *ends], ends, strict=False))
    ]
    assert found in ways
    short, total = worth(one, found, least)
    best_short, best = max(worth(one, ends, least) for ends in ways)
    assert short == best_short
    np.testing.assert_allclose(total, best, atol=1e-3)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 40), share=st.floats(1, 99))
def test_percentile_keeps_the_bounds(seed: int, size: int, share: float) -> None:
    one = stretch(seed, size, 15, (3, 17))
    ends = percentile(one, 4, share, 2)
    assert ends[-1] == size
    assert ends == sorted(set(ends))
    assert all(allowed(one, a, b) for a, b in zip([0, *ends], ends, strict=False))
    assert {end for end in (3, 17) if end < size} <= set(ends)


def test_distances_of_neighbours_are_their_cosines() -> None:
    one = stretch(1, 20)
    expected = [1 - float(a @ b) for a, b in zip(one.vectors, one.vectors[1:], strict=False)]
    np.testing.assert_allclose(distances(one.vectors, 1)[1:-1], expected, atol=1e-5)
    wide = distances(one.vectors, 3)
    left, right = one.vectors[4:7].sum(0), one.vectors[7:10].sum(0)
    cosine = left @ right / np.linalg.norm(left) / np.linalg.norm(right)
    np.testing.assert_allclose(wide[7], 1 - cosine, atol=1e-5)
    assert np.isinf(wide[[0, -1]]).all()


def test_the_greatest_distances_are_cut() -> None:
    one = stretch(2, 40, 1_000)
    gaps = distances(one.vectors, 1)[1:-1]
    expected = np.flatnonzero(gaps > np.percentile(gaps, 80)) + 1
    assert percentile(one, 0, 80.0, 1) == [*expected.tolist(), 40]


def test_time_grows_with_the_text_alone() -> None:
    one = stretch(3, 2_000, 200, dimension=384)
    clock = time.process_time()
    assert optimum(one, 50)[-1] == percentile(one, 50, 90.0, 3)[-1] == 2_000
    assert time.process_time() - clock < 5
