"""Windows of sentences."""

from __future__ import annotations

import pytest
from expanding_documents import passage_of, sectioned
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.expand.window import WindowExpander
from rag.types import Block, Document, Passage


def window(document: Document, words: str, sentences: int) -> str:
    start, end = WindowExpander(sentences=sentences).expand(passage_of(document, words), document)
    return document.text[start:end]


@pytest.mark.parametrize(
    ("words", "sentences", "expected"),
    [
        ("Dogs travel free.", 1, "The ferry leaves at nine. Dogs travel free. Cats pay."),
        # The heading is a line of the section, and the section above it is another one.
        (
            "Dogs travel free.", 9,
            "Ferries\n\nThe ferry leaves at nine. Dogs travel free. Cats pay.",
        ),
        # The page ends there.
        ("Cats pay.", 1, "Dogs travel free. Cats pay."),
        ("Tickets are sold aboard.", 3, "Tickets are sold aboard. Cash only."),
        # What begins and ends within sentences is completed before others are added.
        ("travel", 1, "The ferry leaves at nine. Dogs travel free. Cats pay."),
    ],
)  # fmt: skip
def test_window(words: str, sentences: int, expected: str) -> None:
    assert window(sectioned(), words, sentences) == expected


def test_document_without_blocks() -> None:
    document = Document("a", "a.txt", "One. Two is here. Three is here. Four.")
    assert window(document, "Two is here.", 1) == "One. Two is here. Three is here."


def test_lines_of_a_table_count_as_sentences() -> None:
    text = "wick | 3\noil | 40\nlamp | 9\nrope | 2"
    document = Document("a", "a.csv", text, blocks=(Block(0, len(text), "table"),))
    assert window(document, "oil | 40\n", 1) == "wick | 3\noil | 40\nlamp | 9"


def test_text_without_an_end_of_a_sentence_is_not_taken_whole() -> None:
    document = Document("a", "a.txt", "word " * 20_000 + "needle " + "word " * 20_000)
    grown = window(document, "needle", 2)
    assert 4_000 < len(grown) <= 6_100
    assert grown.startswith("word ") and grown.endswith(" word")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_laws_in_any_text(data: st.DataObject) -> None:
    text = data.draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    cut = data.draw(st.integers(0, len(text)))
    blocks = (Block(0, cut, page=1), Block(cut, len(text), page=2)) if cut else ()
    document = Document("a", "a", text, blocks=blocks)
    first, last = WindowExpander(sentences=1).expand(
        Passage("a", start, end, text[start:end]), document
    )
    assert 0 <= first <= start < end <= last <= len(text)
