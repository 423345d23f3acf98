"""Trace files: what a search, an answer and an explanation went through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import Rag
from rag.errors import RequestError
from rag.testing import HashingEncoder
from rag.tracefile import answer_trace, check_target, search_trace, write_trace
from rag.types import Hit, Passage, Query, Ranking, Step

PIPELINE = """\
name: traced
index:
  chunk: {use: fixed, max_tokens: 64, context: none}
  encode: {use: sentence-transformers}
  lexical: {use: bm25, language: en}
query:
  - retrieve: {fuse: {use: rrf}, of: [{use: bm25, k: 4}, {use: dense, k: 4}]}
  - cut: {k: 2}
answer: {use: extractive, min_score: 0}
"""


@pytest.fixture(scope="module")
def rag(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rag]:
    folder = tmp_path_factory.mktemp("traced")
    (folder / "a.txt").write_text("The ferry leaves at nine.\n")
    (folder / "b.txt").write_text("The lamp is lit at dusk.\n")
    (folder / "traced.yaml").write_text(PIPELINE)
    made = Rag.open(
        folder / ".rag", pipeline=str(folder / "traced.yaml"), encoder=HashingEncoder(), workers=0
    )
    made.index(folder / "a.txt", folder / "b.txt")
    yield made
    made.close()


def test_a_search_and_back(rag: Rag, tmp_path: Path) -> None:
    found = rag.search("when does the ferry leave", 'title!="x"')
    path = tmp_path / "trace.json"
    write_trace(path, shape := search_trace(found, "traced"))
    read = json.loads(path.read_text())
    assert read == shape
    assert (read["version"], read["kind"], read["pipeline"]) == (1, "search", "traced")
    assert read["filters"] == ['title!="x"']
    assert [step["stage"] for step in read["steps"]] == ["retrieve", "cut"]
    assert read["steps"][0]["uses"] == ["bm25", "dense", "rrf"]
    assert [step["failed"] for step in read["steps"]] == [False, False]
    assert read["seconds"] == pytest.approx(sum(step["seconds"] for step in read["steps"]))
    assert read["steps"][0]["started"] <= read["steps"][1]["started"]
    first = found.hits[0]
    assert read["hits"][0]["stages"]["rrf"] == {"rank": 1, "score": first.stages["rrf"].score}
    assert read["hits"][0]["text"] == first.passage.text


def test_an_answer_has_the_step_that_gave_it(rag: Rag) -> None:
    answer = rag.ask("when does the ferry leave")
    shape = answer_trace(answer, "traced")
    assert [step["stage"] for step in shape["steps"]] == ["retrieve", "cut", "answer"]
    assert shape["steps"][-1]["uses"] == ["extractive"]
    assert shape["steps"][-1]["hits"] == len(answer.citations) == 1
    assert shape["answer"]["text"] == answer.text
    assert shape["answer"]["citations"][0]["quote"] == answer.citations[0].quote
    assert sum(step.seconds for step in answer.steps) <= answer.seconds + 0.001


def test_numbers_that_json_has_not(tmp_path: Path) -> None:
    passage = Passage("d", 0, 1, "\ud800")
    ranking = Ranking(Query("?"), (Hit(passage, float("nan")),), (Step("cut", (), 0.5, 1),))
    write_trace(tmp_path / "t.json", search_trace(ranking, "p"))
    read = json.loads((tmp_path / "t.json").read_text())
    assert read["hits"][0]["score"] is None
    assert read["hits"][0]["text"] == "\ud800"
    assert read["steps"][0]["started"] == "1970-01-01T00:00:00.000+00:00"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="it is a folder: name a file for the trace"):
        check_target(tmp_path)
    with pytest.raises(RequestError, match="there is no folder"):
        check_target(tmp_path / "none" / "t.json")
    with pytest.raises(RequestError, match="no ordinary file"):
        write_trace(Path("/dev/null"), {})
    assert not Path("/dev/null").is_file()


def test_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.json"
    path.write_text("before")

    def full(self: Path, target: Path) -> Path:
        assert self.exists()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(RequestError, match=r"t\.json: the trace cannot be written: No space"):
            write_trace(path, {"version": 1})
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["t.json"]
    write_trace(path, {"version": 1})
    assert json.loads(path.read_text()) == {"version": 1}
    assert [one.name for one in tmp_path.iterdir()] == ["t.json"]
