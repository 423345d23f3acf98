"""Passages of a number of sentences, and of a number of tokens."""

from __future__ import annotations

from rag.chunk.fixed import FixedChunker
from rag.chunk.sentence import SentenceChunker
from rag.chunk.words import WordTokenizer
from rag.connectors.formats.blocks import Writer
from rag.protocols import Chunker
from rag.types import Document

TEXT = "The ferry leaves at nine. Dogs travel free. Does it storm? It does not."


def cut(chunker: Chunker, text: str = TEXT) -> list[str]:
    return [one.text for one in chunker.chunk(Document("d", "d", text), WordTokenizer())]


def test_one_sentence_each() -> None:
    assert cut(SentenceChunker()) == [
        "The ferry leaves at nine.",
        "Dogs travel free.",
        "Does it storm?",
        "It does not.",
    ]


def test_several_with_overlap() -> None:
    assert cut(SentenceChunker(sentences=2, overlap=1)) == [
        "The ferry leaves at nine. Dogs travel free.",
        "Dogs travel free. Does it storm?",
        "Does it storm? It does not.",
    ]


def test_tokens_end_a_passage_sooner() -> None:
    assert cut(SentenceChunker(sentences=4, max_tokens=10)) == [
        "The ferry leaves at nine. Dogs travel free.",
        "Does it storm? It does not.",
    ]


def test_a_heading_goes_with_its_first_sentence() -> None:
    writer = Writer()
    writer.heading("Timetable", 1)
    writer.heading("Winter", 2)
    writer.add(TEXT)
    document = Document("d", "d", writer.text, "", writer.blocks)
    found = [one.text for one in SentenceChunker().chunk(document, WordTokenizer())]
    assert found[0] == "Timetable\n\nWinter\n\nThe ferry leaves at nine."
    assert len(found) == 4


def test_sentences_are_those_of_the_language() -> None:
    text = (
        "Die Fähre legt am 3. Oktober um neun Uhr ab, und Hunde fahren wie immer umsonst mit. "
        "Sie kommt am 5. Oktober zurück, solange kein Sturm aufkommt und das Wetter hält."
    )
    assert len(cut(SentenceChunker(), text)) == 2


def test_fixed_fills_passages() -> None:
    assert cut(FixedChunker(max_tokens=10)) == [
        "The ferry leaves at nine. Dogs travel free.",
        "Does it storm? It does not.",
    ]


def test_an_overlap_must_leave_something_new() -> None:
    assert SentenceChunker.faults({"overlap": 1})
    assert SentenceChunker.faults({"sentences": 3, "overlap": 3})
    assert not SentenceChunker.faults({"sentences": 3, "overlap": 2})
    assert FixedChunker.faults({"overlap": 300})
    assert not FixedChunker.faults({"overlap": 30})
