"""Pipelines that are right: what is read, frozen, compared and built."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from config_components import FULL, Fixed, Quality, register

from rag.config import (
    Component,
    Cut,
    Rerank,
    Retrieve,
    differences,
    load_pipeline,
    parse_pipeline,
    preset_text,
    presets,
)
from rag.errors import PipelineError, RequestError


@pytest.fixture(autouse=True)
def _components(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def test_every_part_is_read_and_defaults_are_filled_in() -> None:
    pipeline = parse_pipeline(FULL, "full")
    assert pipeline.name == "full"
    assert pipeline.description == "every part at once"
    assert pipeline.chunk == Component("chunker", "fixed", {"max_tokens": 128, "overlap": 0})
    assert pipeline.lexical == Component("lexical", "bm25", {"language": "no"})
    retrieve, rerank, again, cut = pipeline.stages[1:]
    assert retrieve == Retrieve(
        arms=(
            Component("retriever", "bm25", {"k": 100}),
            Component("retriever", "dense", {"k": 100}),
        ),
        fuse=Component("fuser", "convex", {"alpha": 0.6, "weights": None}),
    )
    assert isinstance(rerank, Rerank)
    assert rerank.top == 20
    assert again == Rerank(Component("reranker", "cross", {"model": "large"}), 10)
    assert cut == Cut(8)


def test_what_may_be_left_out() -> None:
    text = """\
name: short
index: {chunk: {use: fixed}, lexical: {use: bm25}, prune: []}
query:
  - retrieve: {of: [{use: bm25}, {use: bm25, k: 5}]}
  - rerank: {use: cross}
"""
    pipeline = parse_pipeline(text, "short")
    assert pipeline.encode is None
    assert pipeline.prune == ()
    assert pipeline.answer == Component("answerer", "extractive", {"threshold": 0.5})
    retrieve, rerank = pipeline.stages
    assert isinstance(retrieve, Retrieve)
    assert retrieve.fuse == Component("fuser", "convex", {"alpha": None, "weights": None})
    assert isinstance(rerank, Rerank)
    assert rerank.top == 30


def test_plain_data_parses_back_to_an_equal_pipeline() -> None:
    pipeline = parse_pipeline(FULL, "full")
    assert parse_pipeline(yaml.safe_dump(pipeline.as_dict()), "again") == pipeline
    json.dumps(pipeline.as_dict())


def test_components_are_built_from_their_options() -> None:
    pipeline = parse_pipeline(FULL, "full", ["index.prune.words=[a, b]"])
    chunker = pipeline.chunk.build()
    assert isinstance(chunker, Fixed)
    assert (chunker.max_tokens, chunker.overlap) == (128, 0)
    pruner = pipeline.prune[0].component.build()
    assert isinstance(pruner, Quality)
    assert pruner.words == ("a", "b")


def test_a_component_made_by_hand_is_checked_when_built() -> None:
    assert Component("chunker", "fixed", {}).build().max_tokens == 254
    with pytest.raises(RequestError, match=r"chunker 'fixed': 'max_tokens' takes a whole number"):
        Component("chunker", "fixed", {"max_tokens": 1}).build()


def test_the_index_part_does_not_depend_on_the_order_of_keys() -> None:
    one = parse_pipeline(FULL, "full").index_part()
    swapped = FULL.replace(
        "{use: fixed, max_tokens: 128}", "{overlap: 0, max_tokens: 128, use: fixed}"
    )
    chunk = swapped.split("\n")[3]
    lines = [line for line in swapped.split("\n") if line != chunk]
    lines.insert(6, chunk)
    other = parse_pipeline("\n".join(lines), "full").index_part()
    assert json.dumps(one) == json.dumps(other)


def test_differences_name_the_option_and_both_values() -> None:
    frozen = parse_pipeline(FULL, "full").index_part()
    assert differences(frozen, json.loads(json.dumps(frozen))) == []
    overrides = ["index.chunk.max_tokens=64", "index.prune=null", "index.lexical.language=english"]
    wanted = parse_pipeline(FULL, "full", overrides).index_part()
    lines = differences(frozen, wanted)
    assert lines[0] == "index.chunk.max_tokens: the index has 128, the pipeline asks for 64"
    assert lines[1].startswith("index.prune: the index has [")
    assert lines[1].endswith("the pipeline asks for none")
    assert lines[2].endswith("the index has 'no', the pipeline asks for 'english'")
    assert len(lines) == 3
    assert differences({"a": {"use": "x", "k": 1}}, {"a": {"use": "y"}}) == [
        "index.a.use: the index has 'x', the pipeline asks for 'y'"
    ]


def test_presets_are_listed_and_read() -> None:
    assert presets() == ["bm25", "dense", "fast", "hybrid"]
    for name in presets():
        pipeline = load_pipeline(name)
        assert pipeline.name == name
        assert pipeline.description
        assert pipeline.stages[-1] == Cut(8 if name == "fast" else 20)
    assert load_pipeline("bm25").encode is None
    assert load_pipeline("dense").lexical is None
    assert "name: fast" in preset_text("fast")


def test_an_unknown_preset_is_answered_with_those_there_are() -> None:
    with pytest.raises(RequestError, match=r"'hybird'; did you mean 'hybrid'\? \(taken: bm25, "):
        load_pipeline("hybird")


def test_files_are_read_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine.yaml", "mine.yml", "mine", "bm25"):
        Path(name).write_text("\ufeff" + FULL, encoding="utf-8")
    for name in ("mine.yaml", "mine.yml", "mine", "./bm25", str(tmp_path / "mine")):
        assert load_pipeline(name).name == "full"
    assert load_pipeline("bm25").name == "bm25"


@pytest.mark.parametrize("name", ["none.yaml", "a/b", ".", "./", "nul\0.yaml", ""])
def test_files_that_cannot_be_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError) as caught:
        load_pipeline(name)
    assert not isinstance(caught.value, PipelineError)


def test_files_that_are_not_text_or_too_large(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(b"name: x\n\xff\n")
    with pytest.raises(PipelineError, match="not UTF-8") as caught:
        load_pipeline(str(path))
    assert caught.value.faults[0].line == 2
    path.write_bytes(b"#" * 300_000)
    with pytest.raises(PipelineError, match="256 KB"):
        load_pipeline(str(path))


def test_importing_the_configuration_does_not_import_pydantic() -> None:
    code = "import sys, rag.config; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
