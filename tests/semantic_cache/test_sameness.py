"""Which questions may be the same, and which answers are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import Answer, Citation, Hit, Passage, Statement
from rag.semantic_cache.sameness import difference, normal, same_answer, wording


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("Globex revenue in 2021", "Globex revenue in 2019", "numbers"),
        ("Globex revenue in 2021", "Globex revenue", "numbers"),
        ("What does error E-42 mean?", "What does error E-43 mean?", "numbers"),
        ("Is form L-7 enough?", "Is form L-8 enough?", "numbers"),
        ("Is it open on 6 June 1968?", "Is it open on 7 June 1968?", "numbers"),
        ("Acme revenue in 2021", "Globex revenue in 2021", "names"),
        ("What did Acme earn?", "What did Globex earn?", "names"),
        ("What did Acme earn?", "What did Acme Germany earn?", "names"),
        ("Trains from Paris to Rome", "Trains from Rome to Paris", "names"),
        ("May dogs travel by ferry?", "May dogs not travel by ferry?", "denies"),
        ("Which rooms are open?", "Which rooms are closed?", "denies"),
        ("What is the minimum deposit?", "What is the maximum deposit?", "denies"),
        ("When was the library built?", "Who built the library?", "different things"),
        ("Where is the lamp lit?", "Who lights the lamp?", "different things"),
        ("Wann wurde das Haus gebaut?", "Wer hat das Haus gebaut?", "different things"),
    ],
)
def test_different_questions(one: str, other: str, why: str) -> None:
    assert why in difference(wording(one), wording(other))
    assert why in difference(wording(other), wording(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How much did Globex earn in 2021?", "Globex revenue in 2021"),
        ("globex revenue in 2021", "Globex revenue in 2021"),
        ("What does a fine of 1,000 euros mean?", "What is a fine of 1000 euros?"),
        ("Is it open on 6 June 1968?", "Is it open on 1968-06-06?"),
        ("What does error E-42 mean?", "What is the meaning of error E42?"),
        ("May dogs not travel by ferry?", "Are dogs not allowed on the ferry?"),
        ("Hello! Globex revenue in 2021. Thanks!", "Please tell me: Globex revenue in 2021"),
        ("What does a guest card cost?", "What is the price of a guest card?"),
        ("Who do I ask to book the Ashby Room?", "Who takes bookings of the Ashby Room?"),
    ],
)
def test_questions_that_may_be_the_same(one: str, other: str) -> None:
    assert difference(wording(one), wording(other)) == ""
    assert difference(wording(other), wording(one)) == ""


def test_names_in_small_letters_are_told_by_the_passages() -> None:
    text = "In 2021 the firm Globex had revenue of 7 million euros."
    kept = wording("globex revenue in 2021", (Hit(Passage("a", 0, len(text), text), 1.0),))
    assert kept.names == {"globex"}
    assert "names" in difference(wording("acme revenue in 2021"), kept)
    assert "names" in difference(
        wording("globex revenue in italy in 2021"), kept, frozenset({"italy", "globex"})
    )


@given(st.text())
def test_a_question_is_the_same_as_itself(text: str) -> None:
    assert difference(wording(text), wording(text)) == ""
    assert normal(normal(text)) == normal(text)
    assert normal(f"  {text} ") == normal(text)


def answer(text: str, *spans: int, abstained: bool = False) -> Answer:
    """An answer of one statement, which cites the first span."""
    cited = tuple(Citation("d", "d.md", start, start + 9, "quotation") for start in spans)
    return Answer("?", text, abstained, cited, (Statement(0, len(text), (0,)),) if cited else ())


def test_same_answers() -> None:
    assert same_answer(answer("In 1931."), answer(" in  1931"))
    assert same_answer(answer("It was in 1931.", 5), answer("In 1931 it was finished.", 5, 20))
    assert same_answer(answer("", abstained=True), answer("None.", abstained=True))


def test_other_answers() -> None:
    assert not same_answer(answer("In 1931.", 5), answer("In 1932.", 5))
    assert not same_answer(answer("By Harriet Lisle.", 5), answer("In 1931.", 5))
    assert not same_answer(answer("Dogs may.", 5), answer("Dogs may not.", 5))
    assert not same_answer(answer("It was so.", 5), answer("So it was.", 20))
    assert not same_answer(answer("It was so."), answer("So it was."))
    assert not same_answer(answer("", abstained=True), answer("In 1931.", 5))
