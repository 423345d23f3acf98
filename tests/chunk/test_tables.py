"""Tables in passages: whole where they fit, with their column names where they do not."""

from __future__ import annotations

from rag.chunk.fixed import FixedChunker
from rag.chunk.words import WordTokenizer
from rag.connectors.formats.blocks import Writer
from rag.places import place_of
from rag.types import Block, Document, Passage


def document(writer: Writer) -> Document:
    return Document("d", "d.md", writer.text, "", writer.blocks)


def cut(made: Document, most: int) -> list[Passage]:
    return list(FixedChunker(max_tokens=most).chunk(made, WordTokenizer()))


def rows(count: int) -> str:
    lines = [f"Part {'abcdefghijklmnop'[n]} | {n} | {n * 3}" for n in range(count)]
    return "\n".join(["Part | Weight | Price", *lines])


def test_a_table_that_fits_is_not_cut() -> None:
    writer = Writer()
    writer.add("Some words that come before it. " * 4)
    writer.add(rows(3), "table")
    found = [one.text for one in cut(document(writer), 40)]
    assert rows(3) in found


def test_a_table_that_does_not_fit_says_its_columns_again() -> None:
    writer = Writer()
    writer.add(rows(16), "table")
    first, *rest = cut(document(writer), 40)
    assert first.text.startswith("Part | Weight | Price") and not first.context
    assert len(rest) > 1
    assert {one.context for one in rest} == {"Part | Weight | Price"}
    assert all(not one.text.startswith("Part |") for one in rest)


def test_rows_of_a_sheet_are_cited_by_their_numbers() -> None:
    writer = Writer("\n")
    for number in range(2, 6):
        writer.add(f"Port: P{number}; Fare: {number}", "table", place="sheet Fares", row=number)
    (only,) = cut(document(writer), 100)
    assert only.place == "sheet Fares, rows 2-5"


def test_places() -> None:
    blocks = [
        Block(0, 5, place="slide 1"),
        Block(6, 9),
        Block(10, 15, place="slide 2"),
        Block(16, 20, place="sheet A", row=7),
        Block(21, 25, row=3),
    ]
    assert place_of(blocks, 0, 5) == "slide 1"
    assert place_of(blocks, 0, 15) == "slide 1 - slide 2"
    assert place_of(blocks, 6, 9) == ""
    assert place_of(blocks, 16, 18) == "sheet A, row 7"
    assert place_of(blocks, 12, 18) == "slide 2 - sheet A, row 7"
    assert place_of(blocks, 21, 25) == "row 3"
