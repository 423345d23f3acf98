from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.evaluate.overlap import Overlap, Spans
from rag.evaluate.ranges import Range, TextEvidence, overlaps, total, union
from rag.types import Passage

RANGES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda one: (one[0], sum(one))),
    min_size=1,
    max_size=6,
)


def passage(document: str, start: int, end: int) -> Passage:
    return Passage(document, start, end, "x" * (end - start))


def overlap(references: list[Range], *passages: Passage) -> Overlap:
    return Overlap.of(TextEvidence("a", tuple(references)), passages)


def characters(ranges: list[Range]) -> set[int]:
    return {n for start, end in ranges for n in range(start, end)}


def test_half_of_a_reference_in_one_of_two_passages() -> None:
    # 10 of the 20 characters are found, in 50 + 30 that were retrieved; 10 were missed.
    found = overlap([(40, 60)], passage("a", 0, 50), passage("b", 40, 70))
    assert (found.recall, found.precision, found.iou) == (0.5, 10 / 80, 10 / 90)


def test_characters_of_overlapping_passages_are_found_once_and_retrieved_twice() -> None:
    found = overlap([(10, 30)], passage("a", 0, 25), passage("a", 15, 40))
    assert (found.recall, found.precision, found.iou) == (1.0, 20 / 50, 20 / 50)
    twice = overlap([(10, 30)], passage("a", 10, 30), passage("a", 10, 30))
    assert (twice.recall, twice.precision, twice.iou) == (1.0, 0.5, 0.5)


def test_references_that_overlap_are_wanted_twice() -> None:
    # The union of what is shared is 20 characters; 30 are wanted, and none is missed.
    found = overlap([(0, 15), (5, 20)], passage("a", 0, 40))
    assert (found.recall, found.precision, found.iou) == (20 / 30, 0.5, 0.5)
    # From 5 to 10 each reference has 5 characters: 20 are missed.
    part = overlap([(0, 15), (5, 20)], passage("a", 5, 10))
    assert (part.recall, part.precision, part.iou) == (5 / 30, 1.0, 5 / 25)


def test_nothing_is_found_in_nothing_and_in_other_documents() -> None:
    nothing = overlap([(0, 10)])
    assert (nothing.recall, nothing.precision, nothing.iou) == (0.0, 0.0, 0.0)
    elsewhere = overlap([(0, 10)], passage("b", 0, 10))
    assert (elsewhere.recall, elsewhere.precision, elsewhere.iou) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("passages", "references", "expected"),
    [
        ([(0, 50), (50, 100)], [(10, 20)], 10 / 50),
        ([(0, 50), (50, 100)], [(40, 60)], 20 / 100),
        # Passages that only touch the reference count: both neighbours of an exact cut.
        ([(0, 10), (10, 20), (20, 40)], [(10, 20)], 10 / 40),
        ([(0, 9), (10, 20), (21, 40)], [(10, 20)], 1.0),
        # Overlapping passages count once, unlike among those that are retrieved.
        ([(0, 30), (20, 50)], [(22, 28)], 6 / 50),
        # What no passage holds was not found: as after pruning.
        ([(0, 10)], [(5, 25)], 5 / 25),
        ([(0, 10)], [(30, 40)], 0.0),
        ([], [(30, 40)], 0.0),
    ],
)
def test_precision_omega_by_hand(
    passages: list[Range], references: list[Range], expected: float
) -> None:
    assert Spans(passages).precision_omega(references) == pytest.approx(expected)


@given(RANGES, RANGES)
def test_measures_are_those_of_sets_of_characters(
    retrieved: list[Range], references: list[Range]
) -> None:
    wanted, given_ = characters(references), characters(retrieved)
    measured = overlap(references, *(passage("a", *one) for one in retrieved))
    found = len(wanted & given_)
    missed = sum(n not in given_ for start, end in references for n in range(start, end))
    assert measured == Overlap(found, total(references), total(retrieved), missed)
    meeting = [
        (start, end)
        for start, end in retrieved
        if any(start <= last and first <= end for first, last in references)
    ]
    everything = characters(meeting) | wanted
    omega = Spans(retrieved).precision_omega(references)
    assert omega == pytest.approx(found / len(everything))


@given(RANGES)
def test_a_union_has_the_same_characters_once_in_order(ranges: list[Range]) -> None:
    merged = union(ranges)
    assert characters(merged) == characters(ranges)
    assert all(end < start for (_, end), (start, _) in pairwise(merged))
    assert total(merged) == len(characters(ranges))


def test_ranges_that_touch_share_nothing() -> None:
    assert list(overlaps([(0, 5), (7, 9)], [(5, 8)])) == [(7, 8)]
    assert union([(5, 8), (0, 5)]) == [(0, 8)]
