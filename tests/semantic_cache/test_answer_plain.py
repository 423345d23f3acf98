"""Answers as JSON and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import Answer, Citation, Hit, Passage, Statement
from rag.semantic_cache.plain import read, written
from rag.types import StageScore

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
NUMBER = st.floats(allow_nan=False)
PLACE = st.integers(0, 10**6)
METADATA = st.dictionaries(TEXT, st.one_of(TEXT, PLACE, st.booleans(), NUMBER), max_size=3)
HEADINGS = st.lists(TEXT, max_size=3).map(tuple)
PASSAGES = st.builds(
    Passage, TEXT, PLACE, PLACE, TEXT, TEXT, TEXT, st.none() | PLACE, HEADINGS, METADATA, TEXT, TEXT
)
HITS = st.builds(
    Hit,
    PASSAGES,
    NUMBER,
    st.dictionaries(TEXT, st.builds(StageScore, PLACE, NUMBER), max_size=2),
    st.lists(PASSAGES, max_size=2).map(tuple),
)
CITATIONS = st.builds(
    Citation, TEXT, TEXT, PLACE, PLACE, TEXT, TEXT, st.none() | PLACE, HEADINGS, TEXT, TEXT
)
STATEMENTS = st.builds(
    Statement, PLACE, PLACE, st.lists(PLACE, max_size=3).map(tuple), NUMBER, st.booleans(), TEXT
)
ANSWERS = st.builds(
    Answer,
    TEXT,
    TEXT,
    st.booleans(),
    st.lists(CITATIONS, max_size=2).map(tuple),
    st.lists(STATEMENTS, max_size=2).map(tuple),
    NUMBER,
    hits=st.lists(HITS, max_size=2).map(tuple),
)


@given(ANSWERS)
def test_what_is_written_is_read(answer: Answer) -> None:
    assert read(written(answer)) == answer


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"question": 1}', '"answer"'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        read(text)
