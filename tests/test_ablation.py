from __future__ import annotations

from rag.ablation import ablations
from rag.config import Pipeline, load_pipeline, parse_pipeline

LONG = """
name: long
index:
  chunk: {use: fixed, max_tokens: 64, overlap: 8}
  encode: {use: sentence-transformers, model: all-MiniLM-L6-v2}
  lexical: {use: bm25}
query:
  - retrieve:
      of: [{use: bm25, k: 50}, {use: dense, k: 50}, {use: bm25, k: 20}]
  - cut: {k: 40}
  - cut: {k: 8}
"""


def names(pipeline: Pipeline, *, cut: bool = True) -> list[str]:
    return [one.name for one in ablations(pipeline, cut=cut)]


def test_each_part_is_taken_away_in_turn() -> None:
    hybrid = load_pipeline("hybrid")
    without_bm25, without_dense, without_context = ablations(hybrid)
    assert without_bm25.name == "hybrid without bm25"
    assert without_bm25.stages[0] == load_pipeline("dense", ["query.retrieve.k=200"]).stages[0]
    assert without_dense.stages[0] == load_pipeline("bm25", ["query.retrieve.k=200"]).stages[0]
    assert without_context.chunk.options["context"] == "none"
    assert without_context.stages == hybrid.stages


def test_arms_leave_the_index_as_it_is() -> None:
    """So that no text is encoded for them."""
    hybrid = load_pipeline("hybrid")
    assert all(one.index_part() == hybrid.index_part() for one in ablations(hybrid, cut=False))


def test_what_is_not_cut_keeps_its_chunker() -> None:
    assert names(load_pipeline("hybrid"), cut=False) == [
        "hybrid without bm25",
        "hybrid without dense",
    ]
    assert names(load_pipeline("bm25"), cut=False) == []


def test_parts_of_the_same_name_are_told_apart() -> None:
    pipeline = parse_pipeline(LONG, "long")
    assert names(pipeline) == [
        "long without bm25",
        "long without dense",
        "long without bm25 (2)",
        "long without context",
    ]
    arms = [
        [arm["use"] for arm in one.as_dict()["query"][0]["retrieve"]["of"]]  # type: ignore[index]
        for one in ablations(pipeline)[:3]
    ]
    assert arms == [["dense", "bm25"], ["bm25", "bm25"], ["bm25", "dense"]]


STAGES = """
name: x
index:
  chunk: {use: late, boundaries: {use: sentence, max_tokens: 128}}
  prune: [{use: boilerplate, keep: 0.9}, {use: length, min_quality: 0.1}]
  encode: {use: sentence-transformers, model: all-MiniLM-L6-v2}
query:
  - retrieve: {use: dense}
  - cut: {k: 20}
  - expand: {use: window}
"""


def test_pruners_expanders_cuts_and_chunkers_are_parts() -> None:
    pipeline = parse_pipeline(STAGES, "x")
    without = {one.name.removeprefix("x "): one for one in ablations(pipeline)}
    assert list(without) == [
        "without cut 20",
        "without window",
        "without boilerplate",
        "without length",
        "without late",
        "without context",
        "with fixed chunks",
    ]
    assert [one.component.use for one in without["without length"].prune] == ["boilerplate"]
    assert without["without late"].chunk.use == "sentence"
    context = without["without context"].chunk.as_dict()
    assert context["use"] == "late"
    assert context["boundaries"]["context"] == "none"  # type: ignore[index]
    assert without["with fixed chunks"].chunk.options["max_tokens"] == 128
    assert len(without["without cut 20"].stages) == len(pipeline.stages) - 1
