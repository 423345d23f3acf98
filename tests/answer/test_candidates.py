"""Sentences and table rows as candidates for an answer."""

from __future__ import annotations

import pytest
from answering import document, whole

from rag.answer.candidates import Candidate, candidates
from rag.testing import DOCUMENTS
from rag.testing.memory import MemoryView
from rag.types import Document, Passage

GUIDE = document(
    ("Winch guide", "heading", 1, ("Winch guide",)),
    ("Grease the drum.  Check the rope!", "paragraph", 1, ("Winch guide",)),
    ("Faults", "heading", 2, ("Winch guide", "Faults")),
    ("A red lamp means heat.", "paragraph", 2, ("Winch guide", "Faults")),
)


def found(made: Document, passage: Passage | None = None) -> list[Candidate]:
    return candidates([passage or whole(made)], MemoryView([made]))


def table(text: str) -> Document:
    return document((text, "table", 3, ("Data",)))


def test_sentences_are_candidates_and_headings_are_not() -> None:
    assert [one.quote for one in found(GUIDE)] == [
        "Grease the drum.",
        "Check the rope!",
        "A red lamp means heat.",
    ]


def test_a_candidate_has_its_own_place_and_not_that_of_its_passage() -> None:
    assert whole(GUIDE).page == 1
    last = found(GUIDE)[-1]
    assert (last.page, last.headings) == (2, ("Winch guide", "Faults"))


def test_headings_are_context() -> None:
    assert found(GUIDE)[-1].context == "Winch guide\nFaults\nA red lamp means heat."
    deep = document(("Deep down.", "paragraph", None, ("One", "Two", "Three")))
    assert found(deep)[0].context == "Two\nThree\nDeep down."


def test_the_title_is_context_where_there_are_no_headings() -> None:
    assert found(document(("Deep down.", "paragraph", None, ())))[0].context == "Guide\nDeep down."


def test_without_blocks_the_passage_gives_the_page() -> None:
    made = Document("note", "note.txt", "One thing. Another thing.", "Note")
    passage = Passage("note", 11, 25, "Another thing.", "note.txt", "Note", page=9)
    (only,) = found(made, passage)
    assert (only.quote, only.start, only.end, only.page) == ("Another thing.", 11, 25, 9)


@pytest.mark.parametrize("made", DOCUMENTS, ids=lambda made: made.id)
def test_quotes_stand_in_their_documents(made: Document) -> None:
    for one in found(made):
        assert made.text[one.start : one.end] == one.quote == one.quote.strip()


@pytest.mark.parametrize(
    "text",
    [
        "Year | Load 1 | Note\n--- | --- | ---\n2024 | 9 t | tested",  # ruled off
        "Year | Load | Note\n2024 | 9 t | tested",  # no figures
    ],
)
def test_rows_are_shown_with_their_columns_and_quoted_as_they_are(text: str) -> None:
    (row,) = found(table(text))
    assert row.quote == "2024 | 9 t | tested"
    assert row.shown.startswith("Year: 2024; Load")
    assert row.shown.endswith(": 9 t; Note: tested")
    assert row.context == f"Data\n{row.shown}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Fuel | 6,050\nCrew | 9,100", ["Fuel | 6,050", "Crew | 9,100"]),
        ("Item | Price\nWick | 3 | new", ["Wick | 3 | new"]),
        ("| Item | Price |\n| Wick | |", ["Item: Wick"]),
        ("| | Price |\n| Wick | 3 |", ["Wick; Price: 3"]),
        ("Item | Price | Note\n | 3 | new", ["Price: 3; Note: new"]),
    ],
    ids=["figures above", "other columns", "empty cell", "unnamed column", "no frame"],
)
def test_rows_that_columns_do_not_fit(text: str, shown: list[str]) -> None:
    assert [one.shown for one in found(table(text))] == shown


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_table_of_one_line_is_no_header(end: str) -> None:
    (row,) = found(table("Harbour master | Maren Oduya" + end))
    assert row.shown == row.quote == "Harbour master | Maren Oduya"


def test_a_separated_value_row_is_its_own_sentence() -> None:
    (row,) = found(table("Vessel: Petrel; Draught: 2.1 m"))
    assert row.shown == row.quote == "Vessel: Petrel; Draught: 2.1 m"


def test_documents_that_are_gone_give_nothing() -> None:
    assert candidates([whole(GUIDE)], MemoryView([])) == []


def test_candidates_repeat_one_another_by_words_or_by_place() -> None:
    made = document(
        ("Keep clear of the rope. Stand back.", "paragraph", None, ()),
        ("KEEP clear of the rope.", "paragraph", None, ("Again",)),
    )
    first, other, again = found(made)
    assert first.repeats(again)
    assert not first.repeats(other)
    middle = made.text.index("clear")
    part = Passage("guide", middle, middle + 17, made.text[middle : middle + 17])
    assert found(made, part)[0].repeats(first)
