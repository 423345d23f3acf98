"""The risk-coverage curve, beside its definition worked out question by question."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.evaluate.risk import Sample, at_coverages, at_threshold, aurc, risk_coverage

# Few values, so that scores are often equal.
_SCORES = st.sampled_from([-math.inf, 0.0, 0.2, 0.5, 0.5001, 0.9, 1.0])
_ROWS = st.lists(
    st.tuples(_SCORES, st.booleans(), st.booleans()).map(lambda r: (r[0], r[1] and r[2], r[2])),
    min_size=1,
    max_size=40,
)


def sample(*rows: tuple[float, bool, bool]) -> Sample:
    scores, right, answerable = zip(*rows, strict=True)
    return Sample(np.array(scores, np.float64), np.array(right), np.array(answerable))


RIGHT, WRONG, NONE = (True, True), (False, True), (False, False)
FIVE = sample((0.9, *RIGHT), (0.8, *NONE), (0.8, *RIGHT), (0.3, *WRONG), (-math.inf, *WRONG))


def test_the_curve_of_five_questions() -> None:
    found = [(p.threshold, p.answered, p.wrong) for p in risk_coverage(FIVE)]
    assert found == [(0.9, 1, 0), (0.8, 3, 1), (0.3, 4, 2)]
    assert [p.coverage for p in risk_coverage(FIVE)] == pytest.approx([0.2, 0.6, 0.8])
    assert [p.risk for p in risk_coverage(FIVE)] == pytest.approx([0, 1 / 3, 1 / 2])
    # Of the two with the same score either may come first: half a mistake each.
    assert aurc(FIVE) == pytest.approx((0 + 0.5 / 2 + 1 / 3 + 2 / 4) / 4)


def test_a_coverage_is_reached_by_the_highest_threshold_that_does() -> None:
    found = at_coverages(FIVE, (0.2, 0.4, 0.6, 0.8, 1.0))
    assert [None if p is None else p.threshold for p in found] == [0.9, 0.8, 0.8, 0.3, None]


def test_shares_of_whole_questions_ask_for_no_question_more() -> None:
    ten = sample(*[(1 - n / 10, *RIGHT) for n in range(10)])
    counts = [p.answered for p in at_coverages(ten) if p is not None]
    assert counts == list(range(1, 11))


def test_where_nothing_is_answered_nothing_is_wrong() -> None:
    silent = sample((-math.inf, *WRONG), (-math.inf, *NONE))
    assert risk_coverage(silent) == ()
    assert aurc(silent) == 0
    assert at_threshold(silent, 0).answered == 0
    assert at_threshold(FIVE, 2).risk == 0


@given(_ROWS, st.randoms())
def test_the_order_of_questions_makes_no_difference(
    rows: list[tuple[float, bool, bool]], chance: random.Random
) -> None:
    mixed = list(rows)
    chance.shuffle(mixed)
    assert risk_coverage(sample(*mixed)) == risk_coverage(sample(*rows))
    assert aurc(sample(*mixed)) == pytest.approx(aurc(sample(*rows)))


@given(_ROWS)
def test_every_point_counts_what_its_threshold_answers(
    rows: list[tuple[float, bool, bool]],
) -> None:
    found = risk_coverage(sample(*rows))
    assert [p.threshold for p in found] == sorted({s for s, *_ in rows if s > -1}, reverse=True)
    for point in found:
        assert point == at_threshold(sample(*rows), point.threshold)
        answered = [right for score, right, _ in rows if score >= point.threshold]
        assert (point.answered, point.wrong) == (len(answered), answered.count(False))


@given(_ROWS)
def test_only_the_order_of_scores_counts(rows: list[tuple[float, bool, bool]]) -> None:
    bent = [(s if s < 0 else math.exp(3 * s), right, answer) for s, right, answer in rows]
    assert aurc(sample(*bent)) == pytest.approx(aurc(sample(*rows)))


@given(
    st.lists(
        st.tuples(st.sampled_from([0.1, 0.2]), st.booleans()).map(lambda r: (*r, True)),
        min_size=1,
        max_size=5,
    )
)
def test_the_area_is_the_mean_over_all_orders_of_equal_scores(
    rows: list[tuple[float, bool, bool]],
) -> None:
    areas = []
    for order in itertools.permutations(rows):
        ranked = sorted(order, key=lambda row: -row[0])
        wrong = [not right for _, right, _ in ranked]
        areas.append(np.mean([sum(wrong[:k]) / k for k in range(1, len(wrong) + 1)]))
    assert aurc(sample(*rows)) == pytest.approx(np.mean(areas))


@given(_ROWS)
def test_no_scores_are_better_than_those_that_know(rows: list[tuple[float, bool, bool]]) -> None:
    finite = [row for row in rows if row[0] >= 0] or [(0.0, *RIGHT)]
    knowing = [(float(right), right, answerable) for _, right, answerable in finite]
    assert aurc(sample(*knowing)) <= aurc(sample(*finite)) + 1e-9
    assert 0 <= aurc(sample(*finite)) <= 1


@pytest.mark.parametrize(
    "row", [(math.nan, *RIGHT), (math.inf, *RIGHT), (0.5, True, False)], ids=str
)
def test_what_cannot_be_is_refused(row: tuple[float, bool, bool]) -> None:
    with pytest.raises(ValueError, match=r"a score is neither|cannot be right"):
        sample(row)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="as long as one another"):
        Sample(np.zeros(2), np.zeros(1, np.bool_), np.zeros(2, np.bool_))
    with pytest.raises(ValueError, match="from 1"):
        Sample(np.zeros(0), np.zeros(0, np.bool_), np.zeros(0, np.bool_))
