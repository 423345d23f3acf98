"""Passages along the structure of documents."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_tokenizers import tokenizers

from rag.chunk.structure import StructureChunker
from rag.chunk.words import WordTokenizer
from rag.connectors.formats.blocks import Writer
from rag.protocols import Tokenizer
from rag.types import Document, Passage


def cut(
    made: Writer | str, most: int, tokenizer: Tokenizer | None = None, **given: int
) -> list[str]:
    return [one.text for one in passages(made, most, tokenizer, **given)]


def passages(
    made: Writer | str, most: int, tokenizer: Tokenizer | None = None, **given: int
) -> list[Passage]:
    text, blocks = (made, ()) if isinstance(made, str) else (made.text, made.blocks)
    document = Document("d", "d.md", text, "", blocks)
    chunker = StructureChunker(max_tokens=most, context="none", **given)
    return list(chunker.chunk(document, tokenizer or WordTokenizer()))


def sentence(words: int, name: str = "Word") -> str:
    return " ".join([name, *["word"] * (words - 2), "end"]) + "."


def test_siblings_share_a_passage_and_headings_begin_one() -> None:
    writer = Writer()
    writer.heading("Oil", 1)
    writer.add(sentence(10, "One"))
    writer.add(sentence(10, "Two"))
    writer.heading("Lamp", 1)
    writer.add(sentence(20, "Three"))
    found = cut(writer, 40)
    assert [one.split()[0] for one in found] == ["Oil", "Lamp"]


def test_siblings_join_before_cousins() -> None:
    writer = Writer()
    writer.heading("A", 1)
    writer.heading("A1", 2)
    writer.add(sentence(12, "Long"))
    writer.heading("B", 1)
    writer.heading("B1", 2)
    writer.add(sentence(4, "Short"))
    writer.heading("B2", 2)
    writer.add(sentence(12, "Other"))
    found = cut(writer, 32, min_tokens=10)
    assert [one.split()[0] for one in found] == ["A", "B"]
    assert "B2" in found[1]


def test_what_is_long_enough_stays_apart() -> None:
    writer = Writer()
    for name in ("A", "B", "C"):
        writer.heading(name, 1)
        writer.add(sentence(6))
    assert len(cut(writer, 40, min_tokens=0)) == 3
    assert len(cut(writer, 40, min_tokens=20)) == 1


def test_pages_are_never_joined() -> None:
    writer = Writer()
    for page in (1, 1, 2, 3):
        writer.add(sentence(3), page=page)
    assert [one.page for one in passages(writer, 40, min_tokens=40)] == [1, 2, 3]


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(st.tuples(st.integers(0, 3), st.integers(2, 30)), min_size=1, max_size=12),
    most=st.integers(24, 60),
    least=st.integers(0, 20),
)
def test_a_heading_is_never_last_where_text_follows(
    parts: list[tuple[int, int]], most: int, least: int
) -> None:
    writer = Writer()
    for level, size in parts:
        if level:
            writer.heading("Oil", level)
        else:
            writer.add(sentence(size))
    writer.add(sentence(40))
    for one in cut(writer, most, min_tokens=least):
        assert not one.endswith("Oil")


@pytest.mark.parametrize("kind", ["table", "code", "list"])
def test_lines_are_never_cut(kind: str, tmp_path: Path) -> None:
    lines = [f"lamp {number} | the ferry leaves at nine | oil {number * 7}" for number in range(30)]
    writer = Writer()
    writer.add(sentence(10))
    writer.add("\n".join(lines), kind)  # type: ignore[arg-type]
    writer.add(sentence(10))
    for name, tokenizer in tokenizers(tmp_path):
        most = min(tokenizer.limit, max(tokenizer.lengths(lines)) * 2)
        whole = [line for one in cut(writer, most, tokenizer) for line in one.split("\n")]
        assert [line for line in whole if line in lines] == lines, name


def test_column_names_stay_with_the_first_row() -> None:
    rows = "\n".join(["Part | Price", "--- | ---", *(f"Wick {n} | {n}" for n in range(20))])
    writer = Writer()
    writer.add(sentence(18))
    writer.add(rows, "table")
    found = cut(writer, 24)
    assert not any(one.endswith(("Price", "---")) for one in found)


def test_a_paragraph_that_is_too_long_is_cut_between_sentences() -> None:
    writer = Writer()
    writer.add(" ".join(sentence(7, f"N{number}") for number in range(10)))
    found = cut(writer, 20)
    assert all(one.startswith("N") and one.endswith("end.") for one in found)


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    found = cut("ninety-one steps " * 40, 16)
    assert all(one.startswith(("ninety", "steps")) for one in found)


def test_plain_text_has_paragraphs_lines_and_headings() -> None:
    text = "\r\n\r\n".join(
        ["Opening hours", sentence(20, "Daily"), "Fares", sentence(20, "Adults")]
    )
    assert [one.split()[0] for one in cut(text, 40)] == ["Opening", "Fares"]
    marked = f"# Oil\n{sentence(20)}\n# Lamp\n{sentence(20)}"
    assert [one.split()[1] for one in cut(marked, 40)] == ["Oil", "Lamp"]
    lines = "\n".join(sentence(60, name) for name in ("One", "Two", "Three"))
    assert [one.split()[0] for one in cut(lines, 70)] == ["One", "Two", "Three"]


def test_rows_of_two_sheets_are_cousins() -> None:
    writer = Writer("\n")
    for sheet in ("A", "B"):
        for number in range(4):
            writer.add(f"Port: P{number}; Fare: {number}", "table", place=sheet, row=number + 1)
    found = passages(writer, 60, min_tokens=0)
    assert [one.place for one in found] == ["A, rows 1-4", "B, rows 1-4"]


def test_faults() -> None:
    assert StructureChunker.faults({"max_tokens": 20, "min_tokens": 30})
    assert not StructureChunker.faults({"max_tokens": 20, "min_tokens": 5})
