"""Faults: every one at once, each where it is and with what would be taken."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from config_components import FULL, register
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.config import parse_pipeline
from rag.errors import Fault, PipelineError

INDEX = "name: x\nindex:\n  chunk: {use: fixed}\n  lexical: {use: bm25}\nquery:\n"


@pytest.fixture(autouse=True)
def _components(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def faults(text: str, overrides: Sequence[str] = ()) -> tuple[Fault, ...]:
    with pytest.raises(PipelineError) as caught:
        parse_pipeline(text, "f.yaml", overrides)
    return caught.value.faults


def only(text: str, overrides: Sequence[str] = ()) -> Fault:
    found = faults(text, overrides)
    assert len(found) == 1, found
    return found[0]


def test_all_faults_are_reported_together_with_their_lines() -> None:
    text = """\
name: many
indx: {}
index:
  chunk: {use: fixed, max_tokens: many, ovelap: 3}
  chunk: {use: fixed}
  lexical:
    use: bm26
query:
  - retrieve: {use: dense, k: 0}
  - rerank:
      use: cross
      top: 5000
      model: !!python/object:os.system x
  - cut: {}
  - retrieve: {use: bm25}
answer: extractive
"""
    found = faults(text)
    assert [(fault.line, fault.key) for fault in found] == [
        (2, "indx"),
        (4, "index.chunk.max_tokens"),
        (4, "index.chunk.ovelap"),
        (5, ""),
        (7, "index.lexical.use"),
        (9, "query.retrieve.k"),
        (9, "query.retrieve"),
        (13, ""),
        (14, "query.cut"),
        (15, "query.retrieve[1]"),
        (16, "answer"),
    ]
    messages = [fault.message for fault in found]
    assert "did you mean 'index'?" in messages[0]
    assert messages[1] == "'max_tokens' takes a whole number >= 8, got 'many'"
    assert "did you mean 'overlap'? (taken: max_tokens, overlap)" in messages[2]
    assert messages[3] == "'chunk' is given twice, first on line 4"
    assert "did you mean 'bm25'?" in messages[4]
    assert messages[5] == "'k' takes a whole number >= 1, got 0"
    assert messages[6] == "'dense' needs 'index.encode', which this pipeline leaves out"
    assert "python/object" in messages[7]
    with pytest.raises(PipelineError, match=r"f\.yaml:4: index\.chunk\.max_tokens: 'max_tokens'"):
        parse_pipeline(text, "f.yaml")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("# nothing\n", 1, "the file is empty"),
        ("name: a\n b: [\n", 2, "cannot be read as YAML"),
        ("name: 'a\n", 2, "cannot be read as YAML"),
        (FULL + "---\nname: b\n", 15, "single document"),
        ('name: "\\Uffffffff"\n', 1, "cannot be read as YAML"),
        ("name: a\x00b\n", 1, "a character that YAML does not allow"),
        ("a:\n " + "[" * 30 + "]" * 30, 2, "nested deeper than 20"),
        ("{" * 5000, 1, "nested deeper than 20"),
        ("x: " + "y" * 300_000, None, "larger than the 256 KB"),
        ("[1, 2]", 1, "index, query, answer, cache, got [1, 2]"),
    ],
)
def test_what_is_not_a_pipeline_at_all(text: str, line: int | None, message: str) -> None:
    fault = only(text)
    assert fault.line == line
    assert message in fault.message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("<<: {a: 1}", "merge key"),
        ("1: x", "a key must be text"),
        ("[a]: x", "a key must be text"),
        ("name: again", "'name' is given twice, first on line 1"),
        ('description: "\\ud800"', "surrogate"),
        ("description: &d words", "anchor '&d'"),
        ("description: *d", "alias '*d'"),
        ("description: !!str words", "tag 'tag:yaml.org,2002:str'"),
        ("description: 7", "'description' takes one line of text, got 7"),
    ],
)
def test_refused_yaml(line: str, message: str) -> None:
    fault = only(FULL.replace("description: every part at once", line))
    assert fault.line == 2
    assert message in fault.message


def test_a_yaml_bomb_is_refused_without_being_expanded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 30):
        aliases = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} [{aliases}]")
    found = faults("\n".join(lines))
    assert any("alias '*a28'" in fault.message and fault.line == 30 for fault in found)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("max_tokens: 128", "max_tokens: true", 4, "takes a whole number >= 8, got true"),
        ("max_tokens: 128", "max_tokens: 512", 4, "512 tokens are longer than the 254"),
        ("max_tokens: 128", "overlap: 400", 4, "'overlap' must be less than"),
        ("keep: 0.9", "keep: '0.9'", 5, "'keep' takes a number > 0 and <= 1, got '0.9'"),
        ("keep: 0.9", "keep: 1, words: [a, 2]", 5, "a list (each item text), got 2 at [1]"),
        ("model: tiny", "dtype: float32", 6, "'model' is missing"),
        (
            "model: tiny",
            "model: m, dtype: int4",
            6,
            "one of 'float32', 'bfloat16', 'int8', got 'int4'",
        ),
        ("use: fixed, ", "", 4, "'use' is missing: name a chunker (taken: fixed, late)"),
        ("use: fixed", "use: [fixed]", 4, "'use' takes text"),
        ("{use: hyde, model: {use: openai, model: m}}", "{use: hyde, model: m}", 9, "a mapping"),
        ("alpha: 0.6", "alpha: 0.6, weights: [1]", 10, "'weights' has 1 items"),
        (", {use: dense}", "", 10, "leave 'fuse' out"),
        (", {use: dense}", ", {use: dense}, {use: dense}", 10, "'alpha' weighs two retrievers"),
        ("[{use: bm25, k: 100}, {use: dense}]", "[]", 10, "at least one retriever"),
        ("[{use: bm25, k: 100}, {use: dense}]", "3", 10, "takes a list of retrievers, got 3"),
        ("top: 20", "top: 201", 11, "'top' is 201, but at most 200 hits reach this stage"),
        ("top: 20", "top: 0", 11, "'top' takes a whole number >= 1, got 0"),
        ("{k: 8}", "{k: eight}", 13, "'k' takes a whole number >= 1, got 'eight'"),
        ("- cut: {k: 8}", "- {}", 13, "one of rewrite, retrieve, rerank, select, expand, cut"),
        ("- cut: {k: 8}", "- {cut: {k: 8}, rerank: {use: cross}}", 13, "item of its own"),
        ("- cut: {k: 8}", "- cutt: {k: 8}", 13, "did you mean 'cut'?"),
        ("- cut: {k: 8}", "- rewrite: {use: hyde, model: {}}", 13, "move it before"),
    ],
)
def test_single_faults(old: str, new: str, line: int, message: str) -> None:
    fault = only(FULL.replace(old, new, 1))
    assert fault.line == line
    assert message in fault.message


@pytest.mark.parametrize(
    ("stages", "line", "message"),
    [
        ("  []", 5, "there is no 'retrieve' stage"),
        ("  - cut: {k: 3}\n  - retrieve: {use: bm25}", 6, "'cut' comes before 'retrieve'"),
        ("  - rerank: {use: cross}\n  - retrieve: {use: bm25}", 6, "'rerank' comes before"),
        ("  - retrieve: {use: bm25}\n  - retrieve: {use: bm25}", 7, "a second 'retrieve'"),
        ("  - retrieve: {use: bm25, k: 9}\n  - rerank: {use: cross}", 7, "'top' is 30"),
        ("  retrieve: {use: bm25}", 5, "'query' takes a list of stages"),
    ],
)
def test_order_of_stages(stages: str, line: int, message: str) -> None:
    fault = only(INDEX + stages)
    assert fault.line == line
    assert message in fault.message


def test_a_cut_beyond_what_is_found_is_fine() -> None:
    pipeline = parse_pipeline(INDEX + "  - retrieve: {use: bm25, k: 5}\n  - cut: {k: 50}", "x")
    assert len(pipeline.stages) == 2


def test_a_fault_is_one_printable_line() -> None:
    text = FULL.replace("description: every", '"\\e[31m\\nred": every').replace("fixed", '"a\\nb"')
    found = faults(text)
    assert [fault.line for fault in found] == [2, 4]
    assert all((fault.message + fault.key).isprintable() for fault in found)


def test_the_index_needs_a_way_to_search() -> None:
    text = "name: x\nindex: {chunk: {use: fixed}}\nquery:\n  - retrieve: {use: bm25}\n"
    assert [fault.line for fault in faults(text)] == [2, 4]


FRAGMENTS = st.sampled_from(
    [
        *FULL.split("\n"),
        *FULL.split(),
        "  ",
        "\n",
        "- ",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "&a",
        "*a",
        "!!x",
        *[
            "<<",
            "'",
            '"',
            "|",
            ">",
            "%YAML 1.1",
            "---",
            "...",
            "null",
            "1e999",
            "?",
            "\t",
            "#",
            ",",
        ],
    ]
)
MUTATED = st.tuples(st.integers(0, len(FULL)), st.integers(0, 12), st.text(max_size=8)).map(
    lambda cut: FULL[: cut[0]] + cut[2] + FULL[cut[0] + cut[1] :]
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(MUTATED, st.lists(FRAGMENTS, max_size=30).map("\n".join), st.text()),
    st.lists(st.text() | st.sampled_from(["index=3", "query[0]=a", "query.cut.k=[", "a.b=1"])),
)
def test_no_text_raises_anything_else(text: str, overrides: list[str]) -> None:
    try:
        pipeline = parse_pipeline(text, "f.yaml", overrides)
    except PipelineError as error:
        assert error.faults
        assert all(fault.message for fault in error.faults)
    else:
        assert pipeline.stages
