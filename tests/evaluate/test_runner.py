from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from rag.evaluate.aggregate import documents
from rag.evaluate.beir import BeirDataset
from rag.evaluate.dataset import PerQuery
from rag.evaluate.journal import Journal, Outcome
from rag.evaluate.measures import MEASURES
from rag.evaluate.result import PipelineResult
from rag.evaluate.runner import Together, judge
from rag.types import Answer, Hit, Passage, Query, Ranking, Step

DATASET = BeirDataset(
    name="tiny",
    format="beir",
    folder=Path("tiny"),
    documents=None,
    queries={"q1": "tides", "q2": "salt", "q3": "silence"},
    qrels={"q1": {"a": 1}, "q2": {"b": 1}, "q3": {"c": 1}},
)
FOUND = {"tides": ["a", "a", "b"], "salt": ["a", "a", "b", "a"], "silence": []}


def hits(names: list[str]) -> list[Hit]:
    """Passages of the named documents; later ones score less."""
    passages = [Passage(name, start, start + 1, "x") for start, name in enumerate(names)]
    return [Hit(passage, 1.0 / (rank + 1)) for rank, passage in enumerate(passages)]


def search(question: str) -> Ranking:
    time.sleep(0.02 if question == "silence" else 0)
    return Ranking(Query(question), tuple(hits(FOUND[question])))


def test_documents_stand_where_their_best_passage_stands() -> None:
    assert documents(hits(["b", "a", "b", "c", "a"])) == ["b", "a", "c"]
    assert documents([]) == []


def test_judges_documents_query_by_query() -> None:
    told: list[int] = []
    found = judge(
        DATASET, "plain", search, index_seconds=3.0, documents=3, passages=7, progress=told.append
    )
    assert told == [1, 2, 3]
    assert found.per_query["RR@10"] == {"q1": 1.0, "q2": 0.5, "q3": 0.0}
    assert found.per_query["R@10"] == {"q1": 1.0, "q2": 1.0, "q3": 0.0}
    assert list(found.measures) == list(MEASURES)
    assert found.measures["RR@10"].value == 0.5
    assert found.measures["RR@10"].low < 0.5 < found.measures["RR@10"].high
    assert (found.name, found.index_seconds) == ("plain", 3.0)
    assert (found.documents, found.passages) == (3, 7)


def test_times_are_milliseconds_of_the_search_alone() -> None:
    def slow_progress(_: int) -> None:
        time.sleep(0.1)

    found = judge(
        DATASET, "p", search, index_seconds=0, documents=0, passages=0, progress=slow_progress
    )
    assert found.query_ms is not None
    assert found.query_ms.p50 < 50
    assert found.query_ms.p95 >= 17  # the slowest takes 20, and the 95th of three is below it


def test_errors_of_the_search_are_not_hidden() -> None:
    def broken(question: str) -> Ranking:
        raise RuntimeError(question)

    with pytest.raises(RuntimeError, match="tides"):
        judge(DATASET, "p", broken, index_seconds=0, documents=0, passages=0)


class Asking(BeirDataset):
    """Judges answers and the whole index too."""

    __slots__ = ()

    @property
    def asks(self) -> bool:
        return True

    def measure_answers(self, answers: Mapping[str, Answer]) -> PerQuery:
        return {"said": {query: float(one.text == "salty") for query, one in answers.items()}}

    def measure_index(self, passages: Iterable[Passage]) -> PerQuery:
        return {"size": dict.fromkeys(self.queries, float(len(list(passages))) / 10)}


def test_answers_and_the_index_are_judged_where_the_dataset_asks_for_it() -> None:
    dataset = Asking("tiny", "beir", Path("tiny"), None, DATASET.queries, DATASET.qrels)

    def ask(question: str) -> Answer:
        time.sleep(0.1)
        return Answer(question, "salty" if question == "salt" else "", False)

    found = judge(
        dataset,
        "p",
        search,
        ask=ask,
        cut=[Passage("a", 0, 1, "x")] * 4,
        index_seconds=0,
        documents=0,
        passages=0,
    )
    assert found.per_query["said"] == {"q1": 0.0, "q2": 1.0, "q3": 0.0}
    assert found.measures["size"].value == pytest.approx(0.4)
    assert list(found.measures) == [*MEASURES, "size", "said"]
    assert found.query_ms is not None
    assert found.query_ms.p95 < 90  # the time of asking is not that of the search
    assert found.tops == {"q1": "a", "q2": "a"}


REWRITTEN, RERANKED = Step("rewrite", ("hyde",), 0.1, 0), Step("rerank", ("llm",), 0.1, 3)


def failing(question: str) -> Ranking:
    """Of two stages both fail for the first question, and one for the second."""
    hyde = replace(REWRITTEN, failed=question != "silence")
    llm = replace(RERANKED, failed=question == "tides")
    return replace(search(question), steps=(hyde, llm))


def test_questions_that_a_stage_failed_for_are_counted_and_asked_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def searched(question: str) -> Ranking:
        asked.append(question)
        return failing(question)

    def restore(document: str, start: int, end: int) -> Passage:
        return Passage(document, start, end, "x")

    def judged(end: int) -> PipelineResult:
        def progress(done: int) -> None:
            if done == end:
                raise KeyboardInterrupt

        with Journal(tmp_path / "j.jsonl", {}, restore) as journal:
            return judge(
                DATASET, "p", searched, index_seconds=0, documents=0, passages=0,
                journal=journal, progress=progress,
            )  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        judged(3)
    found = judged(4)
    assert asked == ["tides", "salt", "silence", "tides", "salt"]
    assert found.failed == {"hyde": 2, "llm": 1}
    assert found.as_dict()["failed"] == {"hyde": 2, "llm": 1}
    assert found.per_query["RR@10"] == {"q1": 1.0, "q2": 0.5, "q3": 0.0}


def test_what_failed_on_the_way_to_an_answer_counts_once_for_a_question() -> None:
    dataset = Asking("tiny", "beir", Path("tiny"), None, DATASET.queries, DATASET.qrels)

    def ask(question: str) -> Answer:
        return Answer(question, "", False, steps=(replace(REWRITTEN, failed=True),))

    found = judge(dataset, "p", failing, ask=ask, index_seconds=0, documents=0, passages=0)
    assert found.failed == {"hyde": 3, "llm": 1}
    well = judge(DATASET, "p", search, index_seconds=0, documents=0, passages=0)
    assert "failed" not in well.as_dict()


def test_of_many_questions_a_hundred_are_timed_and_the_others_run_together(
    tmp_path: Path,
) -> None:
    queries = {f"q{number}": f"text {number}" for number in range(130)}
    qrels = {query: {"a": 1} for query in queries}
    many = BeirDataset("many", "beir", Path("many"), None, queries, qrels)
    timed: list[str] = []
    others: list[str] = []
    stops = ["text 77"]
    ended: list[bool] = []

    def searched(question: str, kept: list[str]) -> Ranking:
        kept.append(question)
        if question in stops:
            stops.remove(question)
            raise KeyboardInterrupt
        return Ranking(Query(question), tuple(hits(["a"] if question[-1] == "3" else ["b", "a"])))

    def run(work: Callable[[str], Outcome], questions: Iterable[str]) -> Generator[Outcome]:
        try:
            for question in questions:
                time.sleep(0.01)
                yield work(question)
        finally:
            ended.append(True)

    def judged(together: Together | None) -> PipelineResult:
        with Journal(
            tmp_path / "j.jsonl", {}, lambda name, start, end: Passage(name, start, end, "x")
        ) as journal:
            return judge(
                many, "p", lambda one: searched(one, timed), index_seconds=0, documents=0,
                passages=0, journal=journal, together=together,
            )  # fmt: skip

    together = Together(lambda one: searched(one, others), run)
    with pytest.raises(KeyboardInterrupt):
        judged(together)
    found = judged(together)
    again = [*timed, *others]
    assert sorted(set(again)) == sorted(queries.values())
    assert len(again) == 131  # the one at which it was stopped
    assert len(set(timed)) == 100
    assert ended
    assert list(found.per_query["RR@10"]) == list(queries)
    assert found.query_ms is not None
    assert found.query_ms.p95 < 10
    timed.clear()
    assert judged(None).per_query == found.per_query
    assert len(timed) == 130
