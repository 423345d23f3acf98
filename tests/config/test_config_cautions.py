"""What a pipeline without faults is warned about, and the stage that grows hits."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint

import config_components
import pytest
from config_components import register

from rag import registry
from rag.config import Caution, Expand, cautions, parse_pipeline
from rag.errors import PipelineError
from rag.expand.parent import ParentExpander
from rag.expand.window import WindowExpander


class Whole:
    """Documents as they are."""


class Contextual:
    """Passages with what stands above them."""

    def __init__(self, *, max_tokens: int = 100, context: str = "headings") -> None:
        self.context = context


class Sentenced:
    """Some sentences each."""

    def __init__(self, *, sentences: int = 4, overlap: int = 0, max_tokens: int = 50) -> None:
        self.sentences = sentences


class Windowed:
    """Reads in windows."""

    def __init__(
        self, *, max_tokens: int = 100, window: int | None = 200, overlap: int = 150
    ) -> None:
        self.window = window


@pytest.fixture(autouse=True)
def _components(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)
    known = registry._registered
    more: Mapping[str, Mapping[str, type]] = {
        "chunker": {
            "whole": Whole,
            "contextual": Contextual,
            "windowed": Windowed,
            "sentenced": Sentenced,
        },
        "expander": {"window": WindowExpander, "parent": ParentExpander},
    }

    def points(kind: str) -> dict[str, EntryPoint]:
        added = {
            name: EntryPoint(name, f"{one.__module__}:{one.__name__}", registry.GROUPS[kind])
            for name, one in more.get(kind, {}).items()
        }
        return {**known(kind), **added}

    monkeypatch.setattr(registry, "_registered", points)


def warned(chunk: str, encode: str = "{use: sentence-transformers, model: m}",
           stages: str = "") -> list[Caution]:  # fmt: skip
    text = (
        f"name: x\nindex:\n  chunk: {chunk}\n  lexical: {{use: bm25}}\n"
        + (f"  encode: {encode}\n" if encode else "")
        + f"query:\n  - retrieve: {{use: bm25}}\n{stages}"
    )
    return cautions(parse_pipeline(text, "x.yaml"))


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        ("{use: windowed, window: 255}", "windows of 255 tokens are longer than the 254 that"),
        ("{use: windowed, window: null, overlap: 254}", "an overlap of 254 leaves nothing new"),
        ("{use: windowed, max_tokens: 255}", "passages of 255 tokens are longer than the 254"),
    ],
)
def test_what_the_encoder_cannot_read_is_a_fault(chunk: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        warned(chunk)


def test_windows_may_be_as_long_as_the_encoder_reads() -> None:
    assert warned("{use: windowed, window: null, overlap: 253}") == []
    assert warned("{use: windowed, window: 254}") == []


def test_nothing_to_say() -> None:
    assert warned("{use: fixed, max_tokens: 200, overlap: 100}") == []
    assert warned("{use: contextual, max_tokens: 206}") == []
    assert warned("{use: windowed}", stages="  - rerank: {use: cross}\n  - expand: {use: window}\n"
                  "  - cut: {k: 3}\n") == []  # fmt: skip


@pytest.mark.parametrize(
    ("chunk", "key", "message"),
    [
        ("{use: whole}", "index.chunk", "of a longer one the encoder reads the first 254 tokens"),
        (
            "{use: fixed, max_tokens: 200, overlap: 150}", "index.chunk.overlap",
            "150 of 200 tokens are repeated, more than half: text is indexed about 4 times",
        ),
        (
            "{use: contextual, max_tokens: 240}", "index.chunk.max_tokens",
            "240 tokens and a context of up to 48 are more than the 254 that the encoder reads",
        ),
        (
            "{use: sentenced, sentences: 6, overlap: 4}", "index.chunk.overlap",
            "4 of 6 sentences are repeated, more than half: text is indexed about 3 times",
        ),
        (
            "{use: windowed, max_tokens: 250}", "index.chunk.window",
            "a window of 200 tokens is shorter than passages of 250",
        ),
        (
            "{use: late, boundaries: {use: fixed, overlap: 200}}", "index.chunk.overlap",
            "200 of 254 tokens are repeated",
        ),
    ],
)  # fmt: skip
def test_cuts_that_lose_or_repeat_text(chunk: str, key: str, message: str) -> None:
    (caution,) = warned(chunk)
    assert caution.key == key
    assert message in caution.message
    assert str(caution).startswith(f"{key}: ")


def test_no_maximum_without_an_encoder() -> None:
    (caution,) = warned("{use: whole}", encode="")
    assert caution.message.endswith("a passage may be of any length")


def test_model_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        config_components.Sentences, "max_tokens_of", classmethod(lambda cls, options: None)
    )
    (caution,) = warned("{use: fixed, max_tokens: 5000}")
    assert (caution.key, "cannot be told" in caution.message) == ("index.encode", True)


def test_expand_before_rerank() -> None:
    stages = "  - expand: {use: parent}\n  - rerank: {use: cross}\n"
    (caution,) = warned("{use: fixed}", stages=stages)
    assert (caution.key, "move it before" in caution.message) == ("query.expand", True)


TEXT = "name: x\nindex: {chunk: {use: fixed}, lexical: {use: bm25}}\nquery:\n"


def test_expand_is_read_and_written() -> None:
    text = TEXT + "  - retrieve: {use: bm25}\n  - expand: {use: window, sentences: 3}\n"
    pipeline = parse_pipeline(text, "x.yaml")
    stage = pipeline.stages[1]
    assert isinstance(stage, Expand)
    assert stage.as_dict() == {"expand": {"use": "window", "sentences": 3}}
    short = parse_pipeline(text, "x.yaml", ["query.expand.sentences=1"])
    assert short.stages[1].as_dict() == {"expand": {"use": "window", "sentences": 1}}


def test_faults_of_expand() -> None:
    text = TEXT + "  - expand: {use: windoe}\n  - retrieve: {use: bm25}\n"
    text += "  - expand: {use: parent, max_words: 1}\n"
    with pytest.raises(PipelineError) as caught:
        parse_pipeline(text, "x.yaml")
    messages = [(fault.line, fault.key, fault.message) for fault in caught.value.faults]
    assert [(line, key) for line, key, _ in messages] == [
        (4, "query.expand.use"), (4, "query.expand"), (6, "query.expand[1].max_words"),
    ]  # fmt: skip
    assert "did you mean 'window'?" in messages[0][2]
    assert messages[1][2] == "'expand' comes before 'retrieve': there are no hits yet"


def test_an_early_exit_that_never_comes() -> None:
    exits = "  - rerank: {{use: cross, top: 30, early_exit: {{best: {}, patience: 10}}}}\n"
    (caution,) = warned("{use: fixed}", stages=exits.format(20))
    assert caution.key == "query.rerank.early_exit"
    assert "after 30 hits at the earliest, and 'top' is 30" in caution.message
    assert warned("{use: fixed}", stages=exits.format(19)) == []


def test_a_rewriter_that_no_retriever_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "name: x\nindex:\n  chunk: {{use: fixed}}\n  lexical: {{use: bm25}}\n"
        "  encode: {{use: sentence-transformers, model: m}}\n"
        "query:\n  - rewrite: {{use: hyde, model: {{}}}}\n  - retrieve: {{use: {}}}\n"
    )
    monkeypatch.setattr(config_components.Hyde, "needs", "encode", raising=False)
    (caution,) = cautions(parse_pipeline(text.format("bm25"), "x.yaml"))
    assert caution.key == "query.rewrite"
    assert "'hyde' adds to searches by vectors alone" in caution.message
    assert cautions(parse_pipeline(text.format("dense"), "x.yaml")) == []
