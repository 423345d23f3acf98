"""What judged answers come to, under the pipeline's threshold and under any."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.evaluate.answer_tables import tables
from rag.evaluate.answering import Answering, Judged, answering
from rag.evaluate.intervals import Interval, bootstrap_ratio
from rag.evaluate.result import PipelineResult

FOUND = [
    Judged("fact", True, True, (False, True), 0.9, True),
    Judged("fact", True, True, (True,), 0.8, True),
    Judged("fact", True, False, (), 0.3, True),
    Judged("table", True, True, (False, False, False), 0.7, False),
    Judged("none", False, True, (False, False), 0.6, False),
    Judged("none", False, False, (), 0.2, False),
    Judged("none", False, False, (), -math.inf, False),
]


def value(found: Answering, name: str, kind: str = "") -> object:
    """The share, rounded, and what it is of."""
    share = (found.kinds[kind] if kind else found.shares)[name]
    return None if share is None else (round(share.value, 3), share.of)


def test_each_share_is_of_what_it_says() -> None:
    found = answering(FOUND)
    assert value(found, "answered") == (0.571, 7)
    assert value(found, "right") == (0.5, 4)
    assert value(found, "first-right") == (0.25, 4)
    assert value(found, "any-right") == (0.5, 4)
    assert value(found, "citations-right") == (0.25, 8)
    assert value(found, "abstained") == (0.667, 3)
    assert value(found, "any-right", "fact") == (0.667, 3)
    assert value(found, "abstained", "table") is None
    assert list(found.kinds) == ["fact", "table", "none"]


def test_the_curve_is_that_of_answers_without_a_threshold() -> None:
    found = answering(FOUND)
    # 0.9 and 0.8 are right, 0.7 and 0.6 are not, 0.3 is, though its question was not answered.
    assert found.aurc == pytest.approx((0 + 0 + 1 / 3 + 2 / 4 + 2 / 5 + 3 / 6) / 6)
    assert found.curve[-1] is None
    assert found.curve[0] is not None
    assert (found.curve[0].threshold, found.curve[0].risk) == (0.9, 0)


def test_the_result_is_json() -> None:
    shape = json.loads(json.dumps(answering(FOUND).as_dict(), allow_nan=False))
    assert shape["right"] == {"value": 0.5, "low": 0.0, "high": 1.0, "of": 4}
    assert shape["kinds"]["table"]["abstained"] is None
    assert shape["risk_coverage"][-1] == {"at": 1.0}
    assert shape["risk_coverage"][0]["answered"] == 1


def test_who_always_abstains_is_right_about_nothing() -> None:
    found = answering([Judged("", True, False, (), -math.inf, False)] * 3)
    assert value(found, "right") is value(found, "citations-right") is None
    assert value(found, "answered") == (0, 3)
    assert (found.aurc, found.kinds, set(found.curve)) == (0, {}, {None})


def test_tables_hold_every_share() -> None:
    found = answering(FOUND)
    results = [PipelineResult(name, {}, {}, answers=found) for name in ("first", "second")]
    shares, kinds, risks = tables(results)
    assert shares.columns == ("answers", "first", "second")
    assert shares.rows[1][1].startswith("0.500 [")
    assert kinds.rows[0] == ("first: fact", "3", "0.67", "1.00", "0.33", "0.67", "0.67", "")
    assert risks.rows[0][1:4] == ("0.00", "0.00", "0.33")
    assert risks.rows[0][-1] == ""
    assert list(tables([PipelineResult("run", {}, {})])) == []


@given(
    st.lists(
        st.integers(1, 5).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1
    )
)
def test_a_ratio_lies_in_its_interval(rows: list[tuple[int, int]]) -> None:
    parts, wholes = np.array(rows, np.float64).T
    found = bootstrap_ratio(parts, wholes, resamples=50)
    assert found.value == pytest.approx(parts.sum() / wholes.sum())
    assert 0 <= found.low <= found.high <= 1
    assert bootstrap_ratio(wholes, wholes) == Interval(1, 1, 1)


def test_a_ratio_of_nothing_is_refused() -> None:
    for wholes in (np.zeros(0), np.array([1.0, 0.0])):
        with pytest.raises(ValueError, match="needs wholes"):
            bootstrap_ratio(np.zeros(len(wholes)), wholes)
