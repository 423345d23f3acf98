"""Shares are attached to texts: order, ties and repeats change nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.rewrite.replies import same
from rag.rewrite.weights import falling, merged, probable, unlike

MANY = settings(max_examples=1_000, deadline=None)
TEXTS = st.sampled_from(["ferry", "Ferry", "the ferry", "ferry ", "boat", "BOAT", "ship", "lamp"])
SCORED = st.lists(st.tuples(TEXTS, st.floats(-90, 0)), min_size=1, max_size=8)


def test_falling_shares() -> None:
    assert falling(3) == pytest.approx([6 / 11, 3 / 11, 2 / 11])
    assert falling(2, [0.5, 0.3, 0.2]) == pytest.approx([0.625, 0.375])
    assert falling(3, [0.5, 0.3, 0.2]) == [0.5, 0.3, 0.2]
    assert falling(0) == []


def test_probabilities_of_three() -> None:
    scored = [("boat", math.log(0.1)), ("ferry", math.log(0.2)), ("Boat ", math.log(0.2))]
    texts, shares = zip(*probable(scored), strict=True)
    assert texts == ("Boat ", "ferry")
    assert shares == pytest.approx((0.6, 0.4))
    assert probable([]) == []
    (far, _) = probable([("far", -1e6), ("farther", -1e6 - 800)])
    assert far[0] == "far" and far[1] == pytest.approx(1)


@MANY
@given(SCORED.flatmap(lambda scored: st.tuples(st.just(scored), st.permutations(scored))))
def test_order_and_ties_do_not_matter(
    pair: tuple[list[tuple[str, float]], list[tuple[str, float]]],
) -> None:
    scored, shuffled = pair
    shares = probable(scored)
    assert probable(shuffled) == shares
    assert math.fsum(share for _, share in shares) == pytest.approx(1)
    assert {same(text) for text, _ in shares} == {same(text) for text, _ in scored}
    assert [share for _, share in shares] == sorted((s for _, s in shares), reverse=True)


@MANY
@given(SCORED, TEXTS)
def test_the_question_is_taken_out_and_nothing_else(
    scored: list[tuple[str, float]], question: str
) -> None:
    shares = probable(scored)
    left = unlike(shares, question)
    assert left == [pair for pair in shares if same(pair[0]) != same(question)]


@MANY
@given(st.lists(TEXTS, min_size=1, max_size=8), st.floats(0.01, 10))
def test_passages_said_twice_count_twice(texts: list[str], weight: float) -> None:
    weights = merged(texts, weight)
    assert math.fsum(weights.values()) == pytest.approx(weight)
    for text, given_weight in weights.items():
        times = sum(same(one) == same(text) for one in texts)
        assert given_weight == pytest.approx(weight * times / len(texts))
