"""What each of several retrievers found, in results, in JSON and on the terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag.assembly import arm_names
from rag.cli.evaluation import show_report
from rag.config import load_pipeline, parse_pipeline
from rag.evaluate.beir import BeirDataset
from rag.evaluate.contributions import Contribution, contributions
from rag.evaluate.pages import Evidence, PagesDataset
from rag.evaluate.report import Report
from rag.evaluate.runner import judge
from rag.types import Hit, Passage, Query, Ranking, StageScore

DATASET = BeirDataset(
    name="tiny",
    format="beir",
    folder=Path("tiny"),
    documents=None,
    queries={"q1": "tides", "q2": "salt"},
    qrels={"q1": {"a": 1, "b": 2, "x": 0}, "q2": {"c": 1}},
)


def hit(name: str, start: int = 0, **ranks: int) -> Hit:
    passage = Passage(name, start, start + 4, "text")
    return Hit(passage, 1.0, {arm: StageScore(rank, 0.5) for arm, rank in ranks.items()})


FOUND = {
    "q1": [
        hit("a", bm25=1, dense=3, convex=1),
        hit("b", bm25=101, dense=2, convex=2),
        hit("x", bm25=2, dense=1, convex=3),
        hit("a", 9, bm25=7, convex=4),
    ],
    "q2": [hit("c", dense=1, convex=1), hit("c", 9, bm25=4, convex=2)],
}
EXPECTED = {
    "bm25": Contribution(found=2, alone=0, found_first=1, alone_first=1),
    "dense": Contribution(found=3, alone=1, found_first=1, alone_first=1),
}


def ranking(query: str) -> Ranking:
    return Ranking(Query(DATASET.queries[query]), tuple(FOUND[query]))


def test_documents_are_counted_once_for_each_retriever() -> None:
    assert contributions(DATASET, FOUND, ["bm25", "dense"]) == EXPECTED


def test_a_grown_passage_counts_by_what_was_found() -> None:
    pages = PagesDataset(
        "p", "pages", Path("p"), None, {"q": "tides"}, {"q": Evidence("d", frozenset({2}))}
    )
    small = Passage("d", 5, 9, "text", page=2)
    grown = Hit(replace(small, start=0, page=1), 1.0, {"bm25": StageScore(1, 1.0)}, (small, small))
    assert contributions(pages, {"q": [grown]}, ["bm25"])["bm25"].found == 1
    assert contributions(pages, {"q": [replace(grown, found=())]}, ["bm25"])["bm25"].found == 0


def test_the_result_and_its_report_say_what_each_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = judge(
        DATASET,
        "both",
        lambda question: ranking("q1" if question == "tides" else "q2"),
        index_seconds=0,
        documents=3,
        passages=4,
        arms=["bm25", "dense"],
    )
    assert result.arms == EXPECTED
    assert result.as_dict()["arms"]["dense"] == {
        "found": 3, "alone": 1, "found_first": 1, "alone_first": 1
    }  # fmt: skip
    show_report(Report("tiny", "beir", 2, "nDCG@10", (result,), ()), questions=False)
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["both", "bm25", "2", "0", "1", "1"] in shown
    assert ["both", "dense", "3", "1", "1", "1"] in shown


def test_a_single_retriever_adds_nothing_to_the_report(
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = judge(
        DATASET, "one", lambda _: ranking("q1"), index_seconds=0, documents=3, passages=4
    )
    assert "arms" not in result.as_dict()
    show_report(Report("tiny", "beir", 2, "nDCG@10", (result,), ()), questions=False)
    assert "retriever" not in capsys.readouterr().out


def test_names_of_retrievers_are_those_of_the_hits() -> None:
    assert arm_names(load_pipeline("hybrid")) == ("bm25", "dense")
    text = (
        "name: x\nindex: {chunk: {use: fixed}, lexical: {use: bm25}}\nquery: [{retrieve: "
        "{fuse: {use: rrf}, of: [{use: bm25, k: 5}, {use: bm25, k: 9}]}}, {cut: {k: 3}}]"
    )
    assert arm_names(parse_pipeline(text, "x")) == ("bm25", "bm25-2")
    alone = parse_pipeline(
        text.replace(
            "{fuse: {use: rrf}, of: [{use: bm25, k: 5}, {use: bm25, k: 9}]}", "{use: bm25}"
        ),
        "x",
    )
    assert arm_names(alone) == ()
