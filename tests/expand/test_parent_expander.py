"""Parent sections."""

from __future__ import annotations

import pytest
from expanding_documents import passage_of, sectioned
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.expand.parent import ParentExpander
from rag.types import Block, Document, Passage


def parent(document: Document, words: str, max_words: int) -> str:
    start, end = ParentExpander(max_words=max_words).expand(passage_of(document, words), document)
    return document.text[start:end]


FERRIES = (
    "Ferries\n\nThe ferry leaves at nine. Dogs travel free. Cats pay.\n\n"
    "Tickets are sold aboard. Cash only."
)


@pytest.mark.parametrize(
    ("words", "most", "expected"),
    [
        ("Dogs travel free.", 100, sectioned().text.strip()),
        # A section goes on over a page's end.
        ("Dogs travel free.", 17, FERRIES),
        ("Some carry cars.", 17, "Boats\n\nBoats float. They carry people. Some carry cars."),
        # Of a section that is too long, what stands next to the passage.
        ("Dogs travel free.", 10, "The ferry leaves at nine. Dogs travel free. Cats pay."),
    ],
)
def test_parent(words: str, most: int, expected: str) -> None:
    assert parent(sectioned(), words, most) == expected


def test_passage_over_two_sections_has_the_section_of_both() -> None:
    document = sectioned()
    words = document.text[document.text.index("Cash only.") : document.text.index(" pulls ships")]
    assert parent(document, words, 40).startswith("Boats\n\nBoats float.")
    # All of it is within `Boats`, which is too long: grown in turn on both sides.
    assert (
        parent(document, words, 11)
        == "Tickets are sold aboard. Cash only.\n\nTugs\n\nA tug pulls ships."
    )


def test_passage_that_is_longer_already_stays() -> None:
    document = Document("a", "a.txt", "Before it. " + "one two three " * 10 + ". After it.")
    words = "one two three " * 10
    assert parent(document, words, 10) == words


def test_characters_of_unspaced_scripts_count_as_words() -> None:
    document = Document("a", "a.txt", "東京は日本の首都です。人口は多い。" * 50)
    grown = parent(document, "人口は多い。", 40)
    assert len(grown) > len("人口は多い。")
    assert sum(letter != "。" for letter in grown) <= 40


def test_text_without_a_space_ends_somewhere() -> None:
    document = Document("a", "a.txt", "x" * 500_000 + " needle " + "y" * 500_000)
    assert len(parent(document, "needle", 50)) <= 20 * 50


def test_section_of_a_million_blocks_is_not_gone_through() -> None:
    text = "word\n" * 200_000
    blocks = tuple(Block(at, at + 4, "table", None, ("Rows",)) for at in range(0, len(text), 5))
    document = Document("a", "a.csv", text, blocks=blocks)
    passage = Passage("a", 500_000, 500_004, "word")
    start, end = ParentExpander(max_words=100).expand(passage, document)
    assert len(text[start:end].split()) == 100


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_laws_in_any_text(data: st.DataObject) -> None:
    text = data.draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    cut = data.draw(st.integers(0, len(text)))
    blocks = (Block(0, cut, headings=("a",)), Block(cut, len(text), headings=("a", "b")))
    document = Document("a", "a", text, blocks=blocks if cut else ())
    first, last = ParentExpander(max_words=10).expand(
        Passage("a", start, end, text[start:end]), document
    )
    assert 0 <= first <= start < end <= last <= len(text)
