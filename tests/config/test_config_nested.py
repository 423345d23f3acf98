"""Components within components, and how much is to be pruned."""

from __future__ import annotations

import json

import pytest
import yaml
from config_components import Fixed, Late, Mean, Quality, register

from rag.config import Prune, parse_pipeline, schema
from rag.errors import PipelineError

PIPELINE = """\
name: nested
index:
  chunk: {use: late, boundaries: {use: fixed, max_tokens: 64}}
  prune:
    - {use: mean, of: [{use: quality, words: [a]}, {use: quality}], keep: 0.75}
    - {use: copies}
  encode: {use: sentence-transformers, model: tiny}
query:
  - retrieve: {use: dense}
"""


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def faults(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(PipelineError) as caught:
        parse_pipeline(text, "nested")
    return [(fault.line, fault.message) for fault in caught.value.faults]


def test_a_component_is_built_with_those_within_it() -> None:
    pipeline = parse_pipeline(PIPELINE, "nested")
    chunker = pipeline.chunk.build(encoder="the encoder")
    assert isinstance(chunker, Late)
    assert chunker.encoder == "the encoder"
    assert isinstance(chunker.boundaries, Fixed)
    assert chunker.boundaries.max_tokens == 64
    mean = pipeline.prune[0].component.build()
    assert isinstance(mean, Mean)
    assert all(isinstance(one, Quality) for one in mean.of)
    assert [one.words for one in mean.of] == [("a",), ()]


def test_defaults_are_filled_in_at_every_depth() -> None:
    late = parse_pipeline(PIPELINE.replace(", boundaries: {use: fixed, max_tokens: 64}", ""), "n")
    assert late.chunk.options == {"boundaries": {"use": "fixed", "max_tokens": 254, "overlap": 0}}
    again = parse_pipeline(yaml.safe_dump(late.as_dict()), "again")
    assert again == late
    json.dumps(late.index_part())


def test_every_component_within_is_found() -> None:
    pipeline = parse_pipeline(PIPELINE, "nested")
    assert [one.use for one in pipeline.prune[0].component.within()] == [
        "mean",
        "quality",
        "quality",
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("max_tokens: 64", "max_token: 64", 3, "'boundaries': no option of 'fixed' named"),
        ("max_tokens: 64", "max_tokens: 300", 3, "passages of 300 tokens are longer than the 254"),
        ("use: fixed,", "use: fixd,", 3, "'boundaries': no chunker named 'fixd'"),
        ("{use: quality}]", "3]", 5, "'of' takes a list"),
        ("{use: quality}]", "{words: [a]}]", 5, "'of': takes a pruner like {use: NAME}"),
        ("keep: 0.75", "keep: 0", 5, "'keep' takes a number > 0 and <= 1"),
        ("keep: 0.75", "keep: .nan", 5, "'keep' takes a number"),
        ("keep: 0.75", "keep: 0.9, min_quality: 1", 5, "'min_quality' beside 'keep'"),
        (", keep: 0.75", "", 5, "say how much to prune"),
        ("keep: 0.75", "within: 0.01", 5, "'within' and 'dataset' go together"),
        ("{use: copies}", "{use: copies, dataset: d}", 6, "'within' and 'dataset' go together"),
    ],
)
def test_faults_name_the_line_and_the_option(old: str, new: str, line: int, message: str) -> None:
    found = faults(PIPELINE.replace(old, new))
    assert [(where, told.startswith(message)) for where, told in found] == [(line, True)], found


def test_what_needs_an_encoder_says_so() -> None:
    encode = "  encode: {use: sentence-transformers, model: tiny}\n"
    text = PIPELINE.replace(encode, "  lexical: {use: bm25}\n").replace("dense", "bm25")
    assert faults(text) == [(3, "'late' needs 'index.encode', which this pipeline leaves out")]


def test_a_pruner_that_reads_vectors_says_so() -> None:
    encode = "  encode: {use: sentence-transformers, model: tiny}\n"
    late = "{use: late, boundaries: {use: fixed, max_tokens: 64}}"
    text = PIPELINE.replace(encode, "  lexical: {use: bm25}\n").replace("dense", "bm25")
    text = text.replace(late, "{use: fixed}").replace("{use: copies}", "{use: far, keep: 0.9}")
    assert faults(text) == [(6, "'far' needs 'index.encode', which this pipeline leaves out")]


def test_how_much_to_prune_has_a_natural_default_for_some() -> None:
    first, second = parse_pipeline(PIPELINE, "nested").prune
    assert (first.keep, first.min_quality) == (0.75, None)
    assert second == Prune(second.component, min_quality=0.2)
    assert second.as_dict() == {"use": "copies", "min_quality": 0.2}


def test_the_schema_takes_what_the_parser_takes() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    written = schema()
    jsonschema.Draft202012Validator.check_schema(written)
    validator = jsonschema.Draft202012Validator(written)
    assert validator.is_valid(yaml.safe_load(PIPELINE))
    for old, new in [("use: fixed,", "use: fixd,"), ("keep: 0.75", "keep: 2"), ("words", "word")]:
        assert not validator.is_valid(yaml.safe_load(PIPELINE.replace(old, new, 1)))
