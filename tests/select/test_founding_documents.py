"""The founding papers' titles find their abstracts: fused, complemented, ranked by sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from founding import SEEDS, encoder, titles_and_abstracts

from rag.config import parse_pipeline
from rag.encode.cache import CachedEncoder
from rag.evaluate.report import Report
from rag.trial import Units, evaluate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1_200),  # the abstracts are encoded first
    pytest.mark.skipif(not SEEDS, reason="no abstracts in ../shared/seeds"),
]

ENCODE = "encode: {use: sentence-transformers, model: all-MiniLM-L6-v2}"
WHOLE = f"chunk: {{use: fixed}}, {ENCODE}, lexical: {{use: bm25, language: en}}"
# Words as they stand: a language without stemmer and stop words. With English ones BM25 finds
# more by itself, and both arms together less at depth 1 (147 of 158).
PLAIN = f"chunk: {{use: fixed}}, {ENCODE}, lexical: {{use: rank-bm25, language: th}}"
SENTENCES = f"chunk: {{use: sentence}}, {ENCODE}, lexical: {{use: bm25, language: en}}"
BOTH = "of: [{use: bm25, k: 158}, {use: dense, k: 158}]"
EVERY_SENTENCE = "{retrieve: {use: dense, k: 2000}}"


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Titles as questions, abstracts as documents, in BEIR format."""
    folder = tmp_path_factory.mktemp("papers") / "founding"
    (folder / "qrels").mkdir(parents=True)
    read = titles_and_abstracts()
    for name, texts in (
        ("queries", [title for title, _ in read]),
        ("corpus", [abstract for _, abstract in read]),
    ):
        lines = [json.dumps({"_id": str(n), "text": text}) for n, text in enumerate(texts)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")
    judged = "".join(f"{n}\t{n}\t1\n" for n in range(len(read)))
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}")
    cache = folder.parent / "cache"
    cache.mkdir()
    CachedEncoder(encoder(), cache).encode_passages([abstract for _, abstract in read])
    return folder


def tried(papers: Path, index: str, units: Units, **stages: str) -> Report:
    """Each of `stages` as a pipeline of its own."""
    pipelines = [
        parse_pipeline(f"name: {name}\nindex: {{{index}}}\nquery: [{query}]", f"{name}.yaml")
        for name, query in stages.items()
    ]
    return evaluate(papers, pipelines, units=units, cache=papers.parent / "cache")


def rank(report: Report) -> dict[str, float]:
    """MRR@10 by pipeline."""
    return {one.name: one.measures["RR@10"].value for one in report.pipelines}


def test_the_two_arms_are_better_together(papers: Path) -> None:
    found = rank(
        tried(
            papers,
            WHOLE,
            "documents",
            bm25="{retrieve: {use: bm25, k: 158}}",
            dense="{retrieve: {use: dense, k: 158}}",
            rrf=f"{{retrieve: {{fuse: {{use: rrf, k: 60}}, {BOTH}}}}}",
        )
    )
    assert found["rrf"] >= 0.92
    assert found["rrf"] > max(found["bm25"], found["dense"])


def test_each_arm_adds_what_the_other_missed(papers: Path) -> None:
    report = tried(
        papers,
        PLAIN,
        "documents",
        first="{retrieve: {fuse: {use: complement}, of: [{use: bm25, k: 1}, {use: dense, k: 1}]}}",
        deep=f"{{retrieve: {{fuse: {{use: complement}}, {BOTH}}}}}",
    )
    for one in report.pipelines:
        bm25, dense = one.arms["bm25"], one.arms["dense"]
        assert (bm25.found_first + dense.alone_first) / 158 >= 0.94
        assert dense.alone_first == dense.found_first - (bm25.found_first - bm25.alone_first)
        assert one.as_dict()["arms"]["dense"]["alone_first"] == dense.alone_first >= 9
    (first, deep) = (one.arms["dense"] for one in report.pipelines)
    assert (first.found_first, first.alone_first) == (deep.found_first, deep.alone_first)
    assert (first.found, deep.found) == (first.found_first, 158)


@pytest.mark.parametrize(
    ("score", "expected"),
    [("max", 0.805), ("top", 0.802), ("mean", 0.556), ("first", 0.463)],
)
def test_sentences_rank_documents(papers: Path, score: str, expected: float) -> None:
    select = f"{{select: {{use: documents, score: {score}}}}}"
    report = tried(papers, SENTENCES, "passages", one=f"{EVERY_SENTENCE}, {select}")
    assert report.pipelines[0].passages == 1156
    assert rank(report)["one"] == pytest.approx(expected, abs=0.01)
