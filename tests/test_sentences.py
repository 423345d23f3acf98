"""Where text may be cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.sentences import block_at, blocks_within, boundaries
from rag.testing import DOCUMENTS
from rag.types import Block, BlockKind, Document

KINDS: tuple[BlockKind, ...] = ("heading", "paragraph", "list", "table", "code")
# Marks that end sentences, and characters that libraries count differently.
TEXT = st.text(
    st.sampled_from("ab. !?\n。\u2029\u00a0é\u0301😀|") | st.characters(codec="utf-8"), max_size=120
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(TEXT)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    blocks = [Block(start, end, draw(st.sampled_from(KINDS))) for start, end in pairwise(cuts)]
    return Document("any", "any.txt", text, blocks=tuple(blocks))


def pieces(document: Document, start: int, end: int) -> list[str]:
    cuts = [start, *boundaries(document, start, end)]
    return [document.text[a:b] for a, b in pairwise(cuts)]


@settings(max_examples=200, deadline=None)
@given(documents(), st.data())
def test_boundaries_ascend_end_with_the_end_and_lose_nothing(
    document: Document, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(document.text)))
    end = data.draw(st.integers(start, len(document.text)))
    cuts = boundaries(document, start, end)
    assert all(a < b for a, b in pairwise([start, *cuts]))
    assert cuts[-1:] == [end] * (start < end)
    assert "".join(pieces(document, start, end)) == document.text[start:end]


@settings(max_examples=100, deadline=None)
@given(documents())
def test_no_piece_lies_in_two_blocks(document: Document) -> None:
    cuts = {0, *boundaries(document, 0, len(document.text))}
    for block in document.blocks:
        assert {block.start, block.end} <= cuts


def test_sentences() -> None:
    text = "Dr. Reed sails at 9.30 a.m. on Mondays. Does she? 東京は首都です。人口は多い。"
    assert pieces(Document("s", "s", text), 0, len(text)) == [
        "Dr. Reed sails at 9.30 a.m. on Mondays. ",
        "Does she? ",
        "東京は首都です。",
        "人口は多い。",
    ]


@pytest.mark.parametrize("kind", ["table", "code", "list"])
def test_lines_that_mean_something_are_pieces(kind: BlockKind) -> None:
    text = "one\ntwo\nthree"
    lined = Document("d", "d", text, blocks=(Block(0, len(text), kind),))
    assert pieces(lined, 0, len(text)) == ["one\n", "two\n", "three"]
    assert pieces(lined, 5, 10) == ["wo\n", "th"]
    running = Document("d", "d", text, blocks=(Block(0, len(text)),))
    assert pieces(running, 0, len(text)) == [text]


def test_blocks_within_share_a_character() -> None:
    blocks = (Block(0, 5), Block(5, 9), Block(12, 20))
    assert blocks_within(blocks, 0, 5) == blocks[:1]
    assert blocks_within(blocks, 4, 6) == blocks[:2]
    assert blocks_within(blocks, 9, 12) == ()
    assert blocks_within(blocks, 9, 13) == blocks[2:]


def test_block_at_is_the_last_that_has_begun() -> None:
    blocks = (Block(2, 5), Block(5, 9))
    found = [block_at(blocks, offset) for offset in (0, 2, 4, 5, 30)]
    assert found == [None, blocks[0], blocks[0], blocks[1], blocks[1]]
    assert block_at((), 3) is None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_sample_documents_lose_nothing(document: Document) -> None:
    assert "".join(pieces(document, 0, len(document.text))) == document.text
