"""Measures of a cut: sizes, overlaps, and text in no passage."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chunk.fixed import FixedChunker
from rag.cutting import Cut, measure, preview, sizes
from rag.errors import DocumentError
from rag.survey import survey
from rag.testing import DOCUMENTS
from rag.testing.hashing import WordCounter
from rag.types import Document, Dropped, Failure, Item, Passage

DOCUMENT = Document("a", "a.txt", "one two three four. five six seven. eight nine.")


def span(start: int, end: int, context: str = "") -> Passage:
    return Passage("a", start, end, DOCUMENT.text[start:end], "a.txt", context=context)


def cut(*passages: Passage, dropped: tuple[Dropped, ...] = (), encoded: bool = True) -> Cut:
    return measure(DOCUMENT, passages, dropped, WordCounter(), encoded=encoded)


def test_sizes_are_in_the_tokens_of_the_encoder() -> None:
    made = cut(span(0, 19, "Title here"), span(20, 47))
    assert [(one.size, one.read) for one in made.pieces] == [(4, 6), (5, 5)]
    assert (made.unit, made.limit) == ("tokens", WordCounter().limit)
    assert cut(span(0, 19), encoded=False).unit == "words"
    assert cut(span(0, 19), encoded=False).limit is None


def test_overlaps_name_the_passage_that_is_repeated() -> None:
    made = cut(span(0, 19), span(14, 35), span(36, 47))
    assert [(one.overlap, one.repeats) for one in made.pieces] == [(0, None), (5, 1), (0, None)]
    assert made.repeated == 5


def test_a_passage_within_a_longer_one_repeats_all_of_itself() -> None:
    made = cut(span(0, 47), span(4, 13), span(20, 35))
    assert [(one.overlap, one.repeats) for one in made.pieces[1:]] == [(9, 1), (15, 1)]


def test_text_in_no_passage() -> None:
    made = cut(span(4, 13), span(20, 34))
    assert [DOCUMENT.text[a:b] for a, b in made.lost] == ["one", "four.", ". eight nine."]
    assert made.lost_characters == len("onefour..eightnine.")
    assert cut(span(0, 19), span(20, 47)).lost == []
    assert [DOCUMENT.text[a:b] for a, b in cut().lost] == [DOCUMENT.text]


def test_pruned_passages_are_told_apart_and_are_not_lost() -> None:
    gone = Dropped(span(20, 35), 0.25, "says nothing")
    made = cut(span(0, 19), span(36, 47), dropped=(gone,))
    assert [one.number for one in made.pieces] == [1, None, 2]
    assert (len(made.kept), made.pruned[0].dropped, made.lost) == (2, gone, [])
    shape = made.pruned[0].as_dict(made.unit)
    assert (shape["score"], shape["reason"], shape["tokens"]) == (0.25, "says nothing", 3)


def test_what_the_encoder_does_not_read_to_its_end() -> None:
    class Short(WordCounter):
        limit = 4

    made = measure(DOCUMENT, [span(0, 19, "Title"), span(20, 35)], (), Short(), encoded=True)
    assert [one.number for one in made.too_long] == [1]
    assert made.summary()["too_long"] == 1


def test_summary_of_nothing() -> None:
    made = measure(Document("e", "e", ""), (), (), WordCounter(), encoded=True)
    assert made.summary() == {
        "passages": 0, "pruned": 0, "unit": "tokens", "limit": WordCounter().limit,
        "sizes": None, "repeated_characters": 0, "lost_characters": 0, "too_long": 0,
    }  # fmt: skip
    assert sizes([3, 1, 2, 9]) == {"min": 1, "median": 2, "max": 9}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.id)
def test_fixed_passages_lose_nothing(document: Document) -> None:
    item = Item(document.id, document.source, "1", lambda: document)
    made = preview(item, FixedChunker(max_tokens=20, overlap=5), WordCounter(), encoded=True)
    assert isinstance(made, Cut)
    assert (made.lost, made.too_long) == ([], [])


def test_survey_adds_documents_up() -> None:
    def items() -> Iterator[Item | Failure]:
        for document in DOCUMENTS[:3]:
            yield Item(document.id, document.source, "1", lambda document=document: document)  # type: ignore[misc]
        yield Failure("x.pdf", "is no PDF")
        yield Item("b", "b.txt", "1", unreadable)

    def unreadable() -> Document:
        raise DocumentError("is not text")

    chunker = FixedChunker(max_tokens=20)
    cuts = [preview(item, chunker, WordCounter(), encoded=True) for item in items()]
    found = survey([*cuts, cut(span(4, 13))])
    assert (found.documents, found.loses) == (4, True)
    assert found.failed == [Failure("x.pdf", "is no PDF"), Failure("b.txt", "is not text")]
    shape = found.as_dict()
    assert shape["lost"] == [
        {"source": "a.txt", "start": 0, "end": 3}, {"source": "a.txt", "start": 14, "end": 47},
    ]  # fmt: skip
    made = [one for one in cuts if isinstance(one, Cut)]
    assert shape["passages"] == sum(len(one.pieces) for one in made) + 1
    assert not survey(made).loses


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 47), st.integers(1, 20)), max_size=6))
def test_every_character_is_lost_or_in_a_passage(spans: list[tuple[int, int]]) -> None:
    passages = [span(start, min(start + size, 47)) for start, size in spans if start < 47]
    made = cut(*passages)
    covered = {at for one in made.pieces for at in range(one.passage.start, one.passage.end)}
    lost = {at for a, b in made.lost for at in range(a, b)}
    space = {at for at, letter in enumerate(DOCUMENT.text) if letter.isspace()}
    assert not covered & lost
    assert covered | lost | space == set(range(len(DOCUMENT.text)))
    lengths = sum(one.passage.end - one.passage.start for one in made.pieces)
    assert lengths - made.repeated == len(covered)
