"""Which quotes are right: those that hold the answer or the evidence for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.evaluate.rightness import is_right

EVIDENCE = ("The Aurelia leaves Leith at 9:15 on weekdays.",)


@pytest.mark.parametrize(
    ("quote", "answer", "evidence"),
    [
        ("She sails at 9:15, wind permitting.", "9:15", ()),
        ("she sails at 9.15", "9:15", ()),
        ("The AURELIA leaves Leith at 9:15 — on weekdays!", "a quarter past nine", EVIDENCE),
        ("leaves Leith at 9:15", "a quarter past nine", EVIDENCE),
        ("vessel: Aurelia; berth: 4; leaves: 9:15", "?", ("Aurelia | 4 | 9:15",)),
        ("No dogs are carried at all on Sundays.", "No", ("No dogs are carried at all",)),
    ],
)
def test_right(quote: str, answer: str, evidence: tuple[str, ...]) -> None:
    assert is_right(quote, answer, evidence)


@pytest.mark.parametrize(
    ("quote", "answer", "evidence"),
    [
        ("She sails at 19:15.", "9:15", ()),
        ("The harbour has ninety berths.", "nine", ()),
        # Parts of the evidence that are too short to tell.
        ("on weekdays", "a quarter past nine", EVIDENCE),
        ("At 9:15 the Aurelia leaves Leith.", "a quarter past nine", EVIDENCE),
        # "No" stands in many a sentence.
        ("There is no berth left.", "No", ("Dogs are not carried.",)),
        ("Ja, sagt er.", "Ja", ()),
        ("Anything", "", ()),
        ("", "", ("",)),
        ("", "nine", EVIDENCE),
    ],
)
def test_wrong(quote: str, answer: str, evidence: tuple[str, ...]) -> None:
    assert not is_right(quote, answer, evidence)


@given(st.text(), st.text(), st.text())
def test_what_holds_all_of_the_evidence_is_right(before: str, evidence: str, after: str) -> None:
    told = any(letter.isalnum() for letter in evidence)
    assert is_right(f"{before} {evidence} {after}", "", (evidence,)) is told


@given(st.text(), st.lists(st.text()))
def test_where_nothing_is_the_answer_nothing_is_right(quote: str, evidence: list[str]) -> None:
    empty = [one for one in evidence if not any(letter.isalnum() for letter in one)]
    assert not is_right(quote, "", empty)
