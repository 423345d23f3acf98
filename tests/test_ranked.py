"""Passages with scores, as rows and numbers until somebody looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rag.found import FoundPassage, Place
from rag.ranked import FoundHits, FoundRows, as_rows, pairs_of, reciprocal, summed
from rag.types import Hit, Passage, StageScore

PASSAGES = [Passage(f"d{n}", 0, 3, "abc", "d.txt", "D", 2) for n in range(6)]


class Index:
    """Reads passages, the last one from row 0, and remembers where it was asked to look."""

    def __init__(self) -> None:
        self.placed: list[list[int]] = []
        self._made: dict[int, FoundPassage] = {}

    def passage(self, row: int) -> FoundPassage:
        return self._made.setdefault(row, FoundPassage.at(row, self))

    def read(self, rows: Sequence[int]) -> dict[int, Passage]:
        return {row: PASSAGES[-1 - row] for row in rows}

    def places(self, rows: Sequence[int]) -> list[Place]:
        self.placed.append([*rows])
        return [PASSAGES[-1 - row].order for row in rows]

    def rows(self, **scores: float) -> FoundRows:
        """Rows by name, such as `r2=0.5`."""
        numbers = [int(name[1:]) for name in scores]
        return FoundRows(self, np.array(numbers, np.int64), np.array([*scores.values()]))


def test_rows_are_pairs_for_whoever_looks() -> None:
    index = Index()
    found = index.rows(r4=2.0, r0=0.5, r3=0.25)
    pairs = [(PASSAGES[1], 2.0), (PASSAGES[5], 0.5), (PASSAGES[2], 0.25)]
    assert [*found] == pairs
    assert found == pairs
    assert found != pairs[:2]
    assert found[1:] == pairs[1:]
    assert found[-1] == pairs[-1]
    assert repr(found) == repr([*found])
    assert [type(score) for _, score in found] == [float] * 3
    assert found[0][0] is found[0][0]
    with pytest.raises(IndexError):
        _ = found[3]


def test_where_ties_alone_stand_is_asked() -> None:
    index = Index()
    apart = index.rows(r1=0.5, r2=2.0, r3=1.0).best_first()
    assert (apart.rows.tolist(), apart.scores.tolist()) == ([2, 3, 1], [2.0, 1.0, 0.5])
    assert index.placed == []
    tied = index.rows(r0=0.5, r1=2.0, r2=0.5, r3=1.0, r4=2.0, r5=0.5).best_first()
    assert tied.scores.tolist() == [2.0, 2.0, 1.0, 0.5, 0.5, 0.5]
    assert sorted(tied.unordered.tolist()) == [0, 1, 2, 3, 4, 5]
    assert index.placed == []
    assert tied.rows.tolist() == [4, 1, 3, 5, 2, 0]
    assert index.placed == [[1, 4, 0, 2, 5]]
    assert tied.unordered is tied.rows
    assert len(index.rows().best_first()) == 0


def test_ties_are_put_in_order_where_somebody_looks() -> None:
    index = Index()
    tied = index.rows(r0=0.5, r1=2.0, r2=0.5, r3=1.0, r4=2.0, r5=0.5).best_first()
    front = tied[:3]
    assert index.placed == []
    assert front.rows.tolist() == [4, 1, 3]
    assert index.placed == [[1, 4]]
    # What is left of a tie that is cut through must be known; its order need not.
    cut = tied[:5]
    assert [sorted(rows) for rows in index.placed] == [[1, 4], [0, 2, 5]]
    assert cut[3:].rows.tolist() == [5, 2]
    assert tied[1][0] is index.passage(1)
    assert tied[::-1].rows.tolist() == [0, 2, 5, 3, 1, 4]


def test_positions_are_those_in_order() -> None:
    index = Index()
    tied = index.rows(r0=0.5, r1=2.0, r2=0.5, r3=1.0, r4=2.0, r5=0.5).best_first()
    assert tied.positions([3, 9]) == {3: 2}
    assert index.placed == []
    assert tied.positions([2, 4]) == {4: 0, 2: 4}
    assert tied.positions([*range(6)]) == {4: 0, 1: 1, 3: 2, 5: 3, 2: 4, 0: 5}
    assert len(index.placed) == 1


def test_what_one_state_of_an_index_found_costs_nothing() -> None:
    index = Index()
    arms = [index.rows(r1=1.0), index.rows(r1=0.5, r2=0.5)]
    assert as_rows(arms) == arms
    listed = as_rows([[*arms[0]], [*arms[1]], []])
    assert [one.rows.tolist() for one in listed] == [[1], [1, 2], []]
    assert all(one.reader is index for one in listed)
    assert index.placed == []


def test_what_was_found_elsewhere_is_told_apart_by_its_place() -> None:
    one, other = Index(), Index()
    arms = [one.rows(r1=1.0), other.rows(r1=0.5, r2=0.25), [(PASSAGES[3], 2.0), (PASSAGES[0], 1.0)]]
    first, second, third = as_rows(arms)
    assert [first.rows[0], third.rows[0]] == [second.rows[0], second.rows[1]]
    assert len({*first.rows, *second.rows, *third.rows}) == 3
    assert [first, second, third] == arms
    assert [passage for passage, _ in summed([first, second, third])] == [
        PASSAGES[3], PASSAGES[4], PASSAGES[0],
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 3])
def test_sums_do_not_depend_on_the_order_of_arms(count: int) -> None:
    index = Index()
    arms = [index.rows(r0=0.1, r1=1e17), index.rows(r1=0.3, r0=0.2), index.rows(r1=-1e17, r2=0.3)]
    found = summed(arms[:count])
    assert summed(arms[:count][::-1]) == found
    assert (
        dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
        == {
            1: {0: 0.1, 1: 1e17},
            2: {0: 0.1 + 0.2, 1: 1e17 + 0.3},
            3: {0: 0.1 + 0.2, 1: 0.3, 2: 0.3},
        }[count]
    )
    assert (np.diff(found.scores) <= 0).all()


def test_ranks_are_those_of_the_scores() -> None:
    found = reciprocal(Index().rows(r0=1.0, r1=3.0, r2=1.0), 0.5, 9)
    assert found.rows.tolist() == [1, 2, 0]
    assert found.scores.tolist() == [0.5 / 10, 0.5 / 11, 0.5 / 12]


def test_hits_are_made_when_they_are_looked_at() -> None:
    kept = PASSAGES[0]
    pairs = [(kept, 2.0), (replace(kept, start=4), 1.0), (replace(kept, start=5), 0.5)]
    hits = FoundHits("bm25", pairs)
    made = [
        Hit(passage, score, {"bm25": StageScore(rank, score)})
        for rank, (passage, score) in enumerate(pairs, 1)
    ]
    assert list(hits) == made
    assert [hits[0], hits[-1]] == [made[0], made[-1]]
    assert hits[1:] == made[1:]
    assert hits[:None] == made
    assert len(hits) == 3
    with pytest.raises(IndexError):
        _ = hits[3]
    assert pairs_of(hits) == pairs_of(made) == pairs


def test_nothing_adds_up_to_nothing() -> None:
    index = Index()
    for count in (1, 2, 3):
        assert summed([index.rows()] * count) == []
