from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import RequestError
from rag.evaluate.journal import Journal, Outcome
from rag.types import Answer, Citation, Hit, Passage, StageScore, Statement

TEXT = "The ferry leaves at nine. Dogs travel free."
KEY = {"pipeline": {"name": "p"}, "generation": 3}


class Stopped(BaseException):
    """As when somebody presses Ctrl-C."""


def restore(document: str, start: int, end: int) -> Passage:
    return Passage(document, start, end, TEXT[start:end], source=f"{document}.md")


def hit(document: str, start: int, end: int, score: float) -> Hit:
    return Hit(restore(document, start, end), score)


def journal(path: Path, **changes: object) -> Journal:
    return Journal(path, {**KEY, **changes}, restore)


GROWN = Hit(restore("b", 0, 43), 1 / 3, found=(restore("b", 26, 43), restore("b", 0, 25)))
PAGED = Hit(
    Passage("c", 4, 9, "ferry", source="c.md", page=7, place="slide 7"),
    -2.5,
    {"bm25": StageScore(3, 0.1 + 0.2), "convex": StageScore(1, -2.5)},
)
ANSWER = Answer(
    "When?",
    "At nine.",
    False,
    (Citation("a", "a.md", 0, 9, "The ferry", headings=("Times",)),),
    (Statement(0, 8, (0,), 0.5),),
    0.7,
    0.1,
)
OUTCOMES = {
    "q1": Outcome((hit("a", 0, 25, 0.1 + 0.2), GROWN, PAGED), 0.125, ANSWER),
    "q2 é": Outcome((), 3.5),
    "q3": Outcome((hit("a", 4, 9, 1e-300),), 0.1),
    "q5": Outcome((), 0.1, Answer("When?", "They don't say.", True, score=0.3), bold=ANSWER),
}


def stop_after(path: Path, *queries: str) -> None:
    with pytest.raises(Stopped), journal(path) as kept:
        for query in queries:
            kept.add(query, OUTCOMES[query])
        raise Stopped


def test_what_was_found_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    stop_after(path, "q1", "q2 é")
    stop_after(path, "q3", "q5")
    with journal(path) as kept:
        assert {query: kept[query] for query in OUTCOMES if query in kept} == OUTCOMES
        assert "q4" not in kept
    assert not path.exists()


@pytest.mark.parametrize("cut", [1, 2, 30, 60])
def test_a_torn_line_is_dropped_and_written_again(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j.jsonl"
    stop_after(path, "q1", "q3")
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(Stopped), journal(path) as kept:
        assert ("q1" in kept, "q3" in kept) == (True, False)
        kept.add("q3", OUTCOMES["q3"])
        raise Stopped
    with journal(path) as kept:
        assert [kept[query] for query in ("q1", "q3")] == [OUTCOMES["q1"], OUTCOMES["q3"]]


def test_a_torn_head_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    stop_after(path)
    path.write_bytes(path.read_bytes()[:-5])
    stop_after(path, "q3", "q5")
    with journal(path) as kept:
        assert kept["q3"] == OUTCOMES["q3"]


@pytest.mark.parametrize(
    "change", [{"generation": 4}, {"pipeline": {"name": "q"}}, {"ragline": "2"}]
)
def test_what_was_found_otherwise_is_not_used(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "j.jsonl"
    stop_after(path, "q1")
    with journal(path, **change) as kept:
        assert "q1" not in kept


def test_two_evaluations_do_not_write_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with (
        journal(path),
        pytest.raises(RequestError, match="another evaluation of the same pipeline is running"),
        journal(path),
    ):
        pass
    with journal(path):
        pass
