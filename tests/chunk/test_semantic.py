"""Semantic chunking: passages end where the subject changes, within bounds that always hold."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chunk.semantic import SemanticChunker
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.protocols import Chunker, Vectors
from rag.testing import ChunkerSuite, HashingEncoder
from rag.types import Block, BlockKind, Document, Passage

Method = Literal["optimum", "percentile"]
METHODS: tuple[Method, ...] = ("optimum", "percentile")

_LIGHTHOUSE = (
    "The lighthouse stands on a rock two miles from the coast. Its lamp was lit for the first "
    "time in 1858. The keeper climbs the stairs of the tower every evening. In fog the "
    "lighthouse sounds a horn for passing ships. Sailors see the light of the tower from far. "
)
_BREAD = (
    "Mix the flour with water, yeast and a spoon of salt. Knead the dough until it is smooth. "
    "Let the dough rise in a warm place for two hours. Bake the bread in a hot oven. The crust "
    "of the bread is brown when the loaf is done. "
)
_FOOTBALL = (
    "The striker scored twice in the first half of the match. The goalkeeper saved a penalty. "
    "Both football teams played with ten men after the red cards. The referee added six minutes. "
    "The home team won the match and leads the league. "
)


def chunker(method: Method = "optimum", **options: Any) -> SemanticChunker:
    return SemanticChunker(encoder=HashingEncoder(), method=method, **options)


def cut(made: SemanticChunker, document: Document) -> list[Passage]:
    return list(made.chunk(document, made.encoder.tokenizer))


def plain(text: str) -> Document:
    return Document("d", "d.txt", text)


def blocks(*parts: tuple[str, BlockKind, int | None]) -> Document:
    found, text = [], ""
    for part, kind, page in parts:
        found.append(Block(len(text), len(text) + len(part), kind, page))
        text += part + "\n\n"
    return Document("d", "d.md", text, "", tuple(found))


class TestOptimum(ChunkerSuite):
    def make(self) -> Chunker:
        return chunker("optimum")


class TestPercentile(ChunkerSuite):
    def make(self) -> Chunker:
        return chunker("percentile", percentile=60.0)


class TestSmall(ChunkerSuite):
    def make(self) -> Chunker:
        return chunker("optimum", max_tokens=8, min_tokens=0)


@pytest.fixture(scope="module")
def mini() -> SentenceTransformersEncoder:
    return SentenceTransformersEncoder(device="cpu")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("topics", [(_LIGHTHOUSE, _BREAD), (_BREAD, _FOOTBALL, _LIGHTHOUSE)])
def test_subjects_are_told_apart(
    mini: SentenceTransformersEncoder, method: Method, topics: Sequence[str]
) -> None:
    document = plain("".join(topics))
    made = SemanticChunker(encoder=mini, method=method, max_tokens=200, min_tokens=30)
    found = cut(made, document)
    assert [one.text for one in found] == [topic.strip() for topic in topics]


def test_no_passage_is_too_long_though_all_say_the_same() -> None:
    document = plain("The lamp burns oil. " * 200)
    for method in METHODS:
        found = cut(chunker(method, max_tokens=20), document)
        assert [len(one.text.split()) for one in found] == [20] * 40


@pytest.mark.parametrize("method", METHODS)
def test_short_passages_are_avoided(method: Method) -> None:
    words = np.random.default_rng(5).integers(0, 40, (120, 6))
    document = plain(" ".join(" ".join(f"Word{n}" for n in row) + "." for row in words))
    free = cut(chunker(method, max_tokens=60, min_tokens=0, percentile=50.0), document)
    bound = cut(chunker(method, max_tokens=60, min_tokens=24, percentile=50.0), document)
    assert min(len(one.text.split()) for one in free) < 24
    assert min(len(one.text.split()) for one in bound[:-1]) >= 24
    assert max(len(one.text.split()) for one in bound) <= 60


@pytest.mark.parametrize("method", METHODS)
def test_pages_tables_and_headings(method: Method) -> None:
    table = "Part | Price\nwick | 3\noil | 40\nlamp | 77"
    document = blocks(
        (_LIGHTHOUSE, "paragraph", 1),
        (table, "table", 2),
        ("Baking", "heading", 2),
        (_BREAD, "paragraph", 2),
        (_BREAD, "paragraph", 3),
    )
    found = cut(chunker(method, max_tokens=40, min_tokens=0, percentile=10.0), document)
    assert any(table in one.text for one in found)
    assert any("Baking\n\nMix the flour" in one.text for one in found)
    for one in found:
        pages = {b.page for b in document.blocks if b.start < one.end and one.start < b.end}
        assert pages == {one.page}


class Watched(HashingEncoder):
    """Counts the sentences that are asked for together."""

    most = 0

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.most = max(self.most, len(texts))
        return super().encode_passages(texts)


@pytest.mark.parametrize("method", METHODS)
def test_long_documents_are_worked_on_in_stretches(method: Method) -> None:
    encoder = Watched()
    made = SemanticChunker(encoder=encoder, method=method, max_tokens=60)
    document = plain("The lamp burns oil. Dogs travel free. " * 3_000)
    found = list(made.chunk(document, encoder.tokenizer))
    assert encoder.most == 2_000
    assert "".join(one.text for one in found).replace(" ", "") == document.text.replace(" ", "")


_ODD = st.text(alphabet=st.sampled_from("a b.lamp\n\t!x\u200b\u00a0東京。é😀\ufeff\ud800\u2029"))
_KINDS: Sequence[BlockKind] = ("paragraph", "heading", "table", "code", "list")


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.one_of(st.text(), _ODD, st.lists(_ODD, max_size=30).map(". ".join)))
    edges = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    made, page = [], 1
    for start, end in zip(edges[::2], edges[1::2], strict=False):
        page += draw(st.integers(0, 1))
        made.append(Block(start, end, draw(st.sampled_from(_KINDS)), page))
    return Document("d", "d.txt", text, "A title", tuple(made))


@settings(max_examples=2_000, deadline=None)
@given(
    document=documents(),
    method=st.sampled_from(METHODS),
    most=st.integers(8, 30),
    share=st.floats(1, 99),
)
def test_laws_on_any_text(document: Document, method: Method, most: int, share: float) -> None:
    made = chunker(method, max_tokens=most, min_tokens=most // 3, percentile=share, buffer=2)
    passages = cut(made, document)
    covered: set[int] = set()
    for before, after in pairwise(passages):
        assert before.end <= after.start
    for one in passages:
        assert one.text == document.text[one.start : one.end]
        assert one.text.strip() == one.text != ""
        assert len(made.encoder.tokenizer.spans(one.text)) <= most
        covered.update(range(one.start, one.end))
    lost = (place for place in range(len(document.text)) if place not in covered)
    assert not "".join(document.text[place] for place in lost).strip()


def test_the_least_must_leave_a_choice() -> None:
    assert SemanticChunker.faults({"max_tokens": 64, "min_tokens": 32}) == []
    assert SemanticChunker.faults({"max_tokens": None, "min_tokens": None}) == []
    assert SemanticChunker.faults({"max_tokens": 64, "min_tokens": 33}) == [
        ("min_tokens", "at least 33 tokens of 64 leave no choice: take 32 or less")
    ]
