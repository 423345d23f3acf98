"""Pipelines drawn: every component is there, with what differs, and nothing breaks out."""

from __future__ import annotations

import re

import pytest

from rag.config import load_pipeline, parse_pipeline, presets
from rag.drawing import drawn, mermaid

PIPELINE = """\
name: drawn
index:
  chunk: {use: fixed, max_tokens: 100}
  prune: {use: length, keep: 0.9}
  encode: {use: sentence-transformers}
  lexical: {use: bm25, language: english}
query:
  - retrieve: {fuse: {use: rrf, k: 30}, of: [{use: bm25, k: 50}, {use: dense}]}
  - expand: {use: window}
  - cut: {k: 3}
"""
NODE = r'\w+(?:\["[^"]*"\]|\(\["[^"]*"\]\))'
ARROW = r"\w+(?: & \w+)* (?:-->|-\.->) \w+(?: & \w+)*"
LINE = re.compile(rf'  (?:{NODE}|{ARROW}|subgraph \w+\["[^"]*"\]|end)')


def test_text_has_stages_in_order() -> None:
    lines = [line.strip() for line in drawn(parse_pipeline(PIPELINE, "drawn.yaml")).splitlines()]
    assert lines[0] == "drawn"
    told = [line for line in lines if line not in {"", "↓"}]
    assert told[1:] == [
        "documents",
        "chunk: fixed (max_tokens: 100)",
        "prune: length (keep: 0.9)",
        "├─ encode: sentence-transformers",
        "└─ lexical: bm25 (language: english)",
        "index",
        "question",
        "├─ retrieve: bm25 (k: 50)",
        "└─ retrieve: dense",
        "fuse: rrf (k: 30)",
        "expand: window",
        "cut to 3",
        "answer: extractive",
        "answer",
    ]


def test_mermaid_has_nodes_and_arrows() -> None:
    lines = mermaid(parse_pipeline(PIPELINE, "drawn.yaml")).splitlines()
    assert lines[0] == "flowchart TD"
    assert [line for line in lines[1:] if not LINE.fullmatch(line)] == []
    labels = dict(re.findall(r'(\w+)\(?\["([^"]*)"\]', "\n".join(lines)))
    assert labels["q1"] == "retrieve: bm25<br/>k: 50"
    assert "  q0 --> q1 & q2" in lines
    assert "  q1 & q2 --> q3" in lines
    needed = [re.split(r" -\.-> ", line.strip()) for line in lines if "-.->" in line]
    assert [(labels[a], labels[b]) for a, b in needed] == [
        ("lexical: bm25<br/>language: english", "retrieve: bm25<br/>k: 50"),
        ("encode: sentence-transformers", "retrieve: dense"),
    ]
    # Every node that an arrow names is there.
    arrows = [line for line in lines if "->" in line]
    assert {name for line in arrows for name in re.findall(r"\b[iq]\w+", line)} <= set(labels)


@pytest.mark.parametrize(
    "value", ['"] --> x["', "%%{init: {}}%%", "a <b> & `c`", "new\\nline", "x" * 200]
)
def test_labels_are_escaped(value: str) -> None:
    text = PIPELINE.replace("{use: sentence-transformers}", "{use: sentence-transformers, "
                            "model: tiny, query_prompt: '" + value + "'}")  # fmt: skip
    lines = mermaid(parse_pipeline(text, "drawn.yaml")).splitlines()
    assert [line for line in lines[1:] if not LINE.fullmatch(line)] == []
    assert "%%" not in "\n".join(lines)
    (label,) = [line for line in lines if "query_prompt" in line]
    assert not set("<>&`%") & set(label.replace("<br/>", ""))
    assert len(label) < 300


@pytest.mark.parametrize("name", presets())
def test_presets_can_be_drawn(name: str) -> None:
    pipeline = load_pipeline(name)
    assert pipeline.answer.use in drawn(pipeline)
    assert [line for line in mermaid(pipeline).splitlines()[1:] if not LINE.fullmatch(line)] == []
