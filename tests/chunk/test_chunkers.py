"""What holds for every chunker that needs no model, on any document, for any tokenizer."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_tokenizers import tokenizers

from rag.chunk.words import WordTokenizer
from rag.encode.tokens import ModelTokenizer
from rag.errors import RequestError
from rag.protocols import Chunker, Tokenizer
from rag.registry import Nested, load, names
from rag.testing import ChunkerSuite
from rag.types import Block, BlockKind, Document, Passage

KINDS: tuple[BlockKind, ...] = ("heading", "paragraph", "list", "table", "code")
WORDS = st.sampled_from(
    ["the ", "lamp ", "ferry\n", "storm. ", "Dogs! ", "\n\n", "# Oil\n", "a | b\n", "x:\n",
     "東京。", "\u200b", "\ufeff", "\r\n", "\r", "\u2028", "\u2029", "\x00", "\x1c", "\u0301",
     "😀", "ﷺ", "\t", "xxxxxxxxxxxxxxxx", "\u3000", "ninety-one "]
)  # fmt: skip
TEXT = st.lists(WORDS | st.text(max_size=5), max_size=20).map("".join)


def chunkers() -> list[str]:
    """Every registered chunker that can be made without a model."""
    return [name for name in names("chunker") if not getattr(load("chunker", name), "given", ())]


def make(name: str, **options: object) -> Any:
    """A chunker with those of `options` that it takes; chunkers inside it are the defaults."""
    component = load("chunker", name)
    parameters = inspect.signature(component, eval_str=True).parameters
    taken = {key: value for key, value in options.items() if key in parameters}
    for key, parameter in parameters.items():
        for mark in getattr(parameter.annotation, "__metadata__", ()):
            if isinstance(mark, Nested) and isinstance(mark.default, str):
                taken[key] = load(mark.kind, mark.default)()
    return component(**taken)


@cache
def all_tokenizers() -> dict[str, Tokenizer]:
    with TemporaryDirectory() as folder:
        return {"words": WordTokenizer(), **dict(tokenizers(Path(folder)))}


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(TEXT)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    page = draw(st.sampled_from([None, 1]))
    path: tuple[str, ...] = ("Oil",)
    blocks: list[Block] = []
    for start, end in pairwise(cuts):
        if page is not None:
            page += draw(st.integers(0, 1))
        path = draw(st.sampled_from([path, (), ("Oil",), ("Oil", "lamp"), ("Oil", "ferry")]))
        kind = draw(st.sampled_from(KINDS))
        header = draw(st.sampled_from(["", "a | b"])) if kind == "table" else ""
        blocks.append(Block(start, end, kind, page, path, header=header))
        if draw(st.booleans()) and blocks:
            blocks.pop()
    return Document("any", "any.txt", text, draw(st.sampled_from(["", "Oil", "T" * 90])),
                    tuple(blocks))  # fmt: skip


OPTIONS = st.fixed_dictionaries(
    {
        "max_tokens": st.sampled_from([None, 8, 12, 40]),
        "overlap": st.sampled_from([0, 1, 5]),
        "sentences": st.sampled_from([1, 2, 6]),
        "min_tokens": st.sampled_from([None, 0, 8]),
        "context": st.sampled_from(["none", "title", "headings", "summary"]),
    }
)


class Laws(ChunkerSuite):
    """The suite, on one document."""

    def __init__(self, chunker: Chunker, tokenizer: Tokenizer, document: Document) -> None:
        self.given = chunker, tokenizer, document

    def make(self) -> Chunker:
        return self.given[0]

    def tokenizer(self) -> Tokenizer:
        return self.given[1]

    def documents(self) -> list[Document]:
        return [self.given[2]]

    def check(self) -> None:
        self.passages = list(self.given[0].chunk(self.given[2], self.given[1]))
        self.test_passages_are_spans_of_the_document()
        self.test_passages_have_text()
        self.test_spans_ascend()
        self.test_all_text_is_covered()
        self.test_passages_fit_the_encoder()
        self.test_places_are_right()

    def _chunked(self) -> Iterator[tuple[Document, list[Passage]]]:
        yield self.given[2], self.passages


@pytest.mark.parametrize("name", chunkers())
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_laws_hold_for_any_document(name: str, data: st.DataObject) -> None:
    options: dict[str, Any] = data.draw(OPTIONS)
    if name == "sentence":
        options["overlap"] = min(options["overlap"], options["sentences"] - 1)
    found = all_tokenizers()
    tokenizer = found[data.draw(st.sampled_from(sorted(found)))]
    document = data.draw(documents())
    laws = Laws(make(name, **options), tokenizer, document)
    laws.check()
    most: int | None = options["max_tokens"] if "max_tokens" in options_of(name) else None
    for passage in laws.passages:
        if most is not None:
            assert len(tokenizer.spans(passage.text)) <= most or len(passage.text) == 1
        assert len(pages_of(document, passage)) <= 1


def options_of(name: str) -> list[str]:
    return list(inspect.signature(load("chunker", name)).parameters)


def pages_of(document: Document, passage: Passage) -> set[int | None]:
    """The pages of the blocks that have text in a passage."""
    return {
        block.page
        for block in document.blocks
        if document.text[max(block.start, passage.start) : min(block.end, passage.end)].strip()
    }


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(TEXT, max_size=4))
def test_tokens_are_counted_as_they_are_found(texts: list[str]) -> None:
    for name, tokenizer in all_tokenizers().items():
        if isinstance(tokenizer, ModelTokenizer):
            found = [len(tokenizer.spans(text)) for text in texts]
            assert tokenizer.lengths(texts) == found, name


@pytest.mark.parametrize("name", chunkers())
@pytest.mark.parametrize(
    "text",
    ["word", " ", "\n\n \t", "\r\n\r\none\rtwo\u2028three\n\n", "\u200b\u200b", "a\u200bb \ufeffc"],
)
def test_odd_documents(name: str, text: str) -> None:
    for tokenizer in all_tokenizers().values():
        Laws(make(name), tokenizer, Document("odd", "odd.txt", text, "Odd")).check()


@pytest.mark.parametrize("name", chunkers())
def test_halves_of_surrogate_pairs_do_no_harm(name: str) -> None:
    text = "One \ud800 sentence. " * 40 + "\udc00"
    for tokenizer in all_tokenizers().values():
        document = Document("lone", "lone.txt", text, "T\udfff")
        passages = list(make(name).chunk(document, tokenizer))
        assert all(one.text == text[one.start : one.end] for one in passages)
        assert "".join(one.text for one in passages).count("\ud800") == 40
        assert not any("\udfff" in one.context for one in passages)


@pytest.mark.parametrize("name", chunkers())
@pytest.mark.parametrize("unit", ["x", "ab.", "東京。", " ", "\n", "a\n"])
def test_very_long_runs_end_soon(name: str, unit: str) -> None:
    text = (unit * 60_000)[:60_000]
    passages = list(make(name).chunk(Document("run", "run.txt", text), WordTokenizer()))
    assert "".join(one.text for one in passages).count(unit[0]) == text.strip().count(unit[0])


@pytest.mark.parametrize("name", chunkers())
def test_passages_beyond_the_encoder_are_refused(name: str) -> None:
    if "max_tokens" not in options_of(name):
        pytest.skip("takes its lengths from another chunker")
    document = Document("one", "one.txt", "word")
    with pytest.raises(RequestError, match=r"longer than the 48 that the encoder reads"):
        list(make(name, max_tokens=400).chunk(document, all_tokenizers()["WordPiece"]))
