"""Overrides: what they reach, and faults that name them."""

from __future__ import annotations

import pytest
from config_components import FULL, register

from rag.config import Component, Cut, Pipeline, Rerank, Retrieve, parse_pipeline
from rag.errors import Fault, PipelineError


@pytest.fixture(autouse=True)
def _components(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def overridden(*overrides: str) -> Pipeline:
    return parse_pipeline(FULL, "full", overrides)


def fault(*overrides: str) -> Fault:
    with pytest.raises(PipelineError) as caught:
        overridden(*overrides)
    assert len(caught.value.faults) == 1, caught.value.faults
    return caught.value.faults[0]


def test_options_are_set_by_their_path() -> None:
    pipeline = overridden(
        "index.chunk.max_tokens=32",
        "query.rerank.top=11",
        "query.rerank[1].top=7",
        "query.retrieve.of[0].k=50",
        "query.retrieve.fuse.alpha=1",
        "query.cut.k=3",
        "query.cut.k=4",
        "answer.threshold=0.25",
        "index.prune=[{use: copies}, {use: quality, keep: 0.5}]",
    )
    assert pipeline.chunk.options["max_tokens"] == 32
    _, retrieve, first, second, cut = pipeline.stages
    assert isinstance(retrieve, Retrieve)
    assert retrieve.arms[0].options["k"] == 50
    assert retrieve.fuse is not None
    assert retrieve.fuse.options["alpha"] == 1.0
    assert isinstance(first, Rerank)
    assert isinstance(second, Rerank)
    assert (first.top, second.top) == (11, 7)
    assert cut == Cut(4)
    assert pipeline.answer.options == {"threshold": 0.25}
    assert [(one.keep, one.min_quality) for one in pipeline.prune] == [(None, 0.2), (0.5, None)]


def test_null_removes_parts_stages_and_arms() -> None:
    pipeline = overridden(
        "index.encode=null",
        "index.prune=null",
        "query.retrieve.of[1]=null",
        "query.retrieve.fuse=null",
        "query.rerank[1]=null",
        "answer=null",
    )
    assert pipeline.encode is None
    assert pipeline.prune == ()
    assert pipeline.stages[1] == Retrieve((Component("retriever", "bm25", {"k": 100}),))
    assert [type(stage).__name__ for stage in pipeline.stages] == [
        "Rewrite",
        "Retrieve",
        "Rerank",
        "Cut",
    ]
    assert pipeline.answer.use == "extractive"


def test_what_the_file_leaves_to_defaults_can_be_reached_into() -> None:
    text = FULL.replace("answer: {use: extractive}\n", "").replace(
        "fuse: {use: convex, alpha: 0.6}, ", ""
    )
    overrides = ["answer.threshold=0.1", "query.retrieve.fuse.alpha=0.2"]
    pipeline = parse_pipeline(text, "full", overrides)
    assert pipeline.answer.options == {"threshold": 0.1}
    assert isinstance(pipeline.stages[1], Retrieve)
    assert pipeline.stages[1].fuse == Component("fuser", "convex", {"alpha": 0.2, "weights": None})


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("query.rerank.top=many", "'top' takes a whole number >= 1, got 'many'"),
        ("query.rerank.top=5000", "at most 200 hits reach this stage"),
        ("index.chunk.max_tokns=8", "did you mean 'max_tokens'?"),
        ("index.chnk.max_tokens=8", "did you mean 'chunk'?"),
        ("indx.chunk=1", "did you mean 'index'?"),
        ("query.rerankk.top=8", "did you mean 'rerank'?"),
        ("query.rerank[2].top=8", "this pipeline has 2 'rerank', counted from 0"),
        ("query.retrieve.of[7].k=8", "there is no [7]: 2 items"),
        ("query.retrieve.k=8", "no key of 'retrieve' named 'k'"),
        ("index.chunk.use.x=8", "not a mapping"),
        ("index.chunk[0]=8", "not a list"),
        ("index..chunk=8", "joined by '.'"),
        ("index.chunk", "KEY=VALUE"),
        ("index.chunk=", "has no value"),
        ("index.chunk=[", "cannot be read as YAML"),
        ("index.chunk=&a {use: fixed}", "anchor"),
        ("index.chunk=null", "'chunk' is missing"),
        ("index.encode=null", "'dense' needs 'index.encode'"),
        ("query.retrieve=null", "there is no 'retrieve' stage"),
        ("query=3", "'query' takes a list of stages, got 3"),
    ],
)
def test_faults_name_the_override(override: str, message: str) -> None:
    found = fault(override)
    assert found.line is None
    assert found.key == "--set " + override.partition("=")[0]
    assert message in found.message


def test_faults_inside_a_value_name_the_override_and_the_place() -> None:
    found = fault("index.chunk={use: fixed, max_tokens: x}")
    assert (found.line, found.key) == (None, "--set index.chunk.max_tokens")


def test_an_override_can_mend_what_the_file_has_wrong() -> None:
    text = FULL.replace("k: 8", "k: eight")
    assert parse_pipeline(text, "full", ["query.cut.k=8"]).stages[-1] == Cut(8)
