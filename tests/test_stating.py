"""Filters as text: what is stated reads back as the same filter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.filters import parse_filter
from rag.stating import conditions, stated
from rag.types import AllOf, AnyOf, Condition, Filter, Not, Scalar

_TEXT = st.text(max_size=12)
_VALUES: st.SearchStrategy[Scalar] = st.one_of(
    _TEXT, st.booleans(), st.integers(-(10**15), 10**15),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
_KEYS = st.one_of(st.sampled_from(["year", "and", "has", "a b", "x`y", "été", "not"]), _TEXT)
_CONDITIONS = st.builds(
    Condition, _KEYS.filter(bool), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), _VALUES
)


def _joined(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(several.map(AllOf), several.map(AnyOf), inner.map(Not))


@given(st.recursive(_CONDITIONS, _joined, max_leaves=6))
def test_reads_back(test: Filter) -> None:
    assert parse_filter(stated(test)) == test


@pytest.mark.parametrize(
    "text",
    ["year>=2023 and source~\"handbook\"", "has year", "not (a=1 or b=\"x y\")", "x=1.0e+20"],
)  # fmt: skip
def test_as_people_write_it(text: str) -> None:
    assert stated(parse_filter(text)) == text


def test_what_must_hold_by_itself() -> None:
    one, other, third = (Condition(key, "=", 1) for key in "abc")
    either = AnyOf((one, other))
    assert conditions([AllOf((one, AllOf((other, either)))), third]) == [one, other, either, third]
    assert stated(AllOf((one,))) == "a=1"
