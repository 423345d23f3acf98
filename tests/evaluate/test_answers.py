"""Questions with answers beside a folder of documents: what is read, measured and refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rag.corpus import connector_of
from rag.errors import RequestError, SourceError
from rag.evaluate.answers import AnswersDataset, Reference, read_answers
from rag.evaluate.detection import read_dataset
from rag.types import Answer, Citation, Hit, Item, Passage

Record = dict[str, Any]

RECORDS: Sequence[Record] = (
    {
        "_id": "q1",
        "text": "How many passengers does the Aurelia carry?",
        "kind": "fact",
        "answer": "ninety",
        "documents": ["boats.txt"],
        "evidence": ["The ferry Aurelia carries ninety passengers."],
    },
    {
        "id": 2,
        "question": "May dogs travel?",
        "answer": "Yes, but on the open deck and on a lead",
        "documents": ["rules/dogs.md", "boats.txt"],
        "remark": "passed over",
    },
    {"_id": "q3", "text": "Who built her engine?", "answer": "", "kind": "unanswerable"},
)
FILES = {"boats.txt": "The ferry Aurelia carries ninety passengers.", "rules/dogs.md": "# Dogs"}


def write(folder: Path, records: Sequence[Record] = RECORDS, *, inner: str = "documents") -> Path:
    for name, text in FILES.items():
        path = folder / inner / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    lines = [json.dumps(record) + "\n" for record in records]
    (folder / "questions.jsonl").write_text("".join(lines))
    return folder


def listed(dataset: AnswersDataset) -> set[str]:
    return {one.source for one in connector_of(dataset).items() if isinstance(one, Item)}


def said(text: str, *quotes: str, abstained: bool = False) -> Answer:
    cited = tuple(Citation("boats.txt", "boats.txt", 0, len(one), one) for one in quotes)
    return Answer("?", text, abstained=abstained, citations=cited)


def test_what_is_read(tmp_path: Path) -> None:
    dataset = read_dataset(write(tmp_path / "port"))
    assert isinstance(dataset, AnswersDataset)
    assert (dataset.name, dataset.format, dataset.asks, dataset.cut) == (
        "port", "answers", True, True,
    )  # fmt: skip
    assert list(dataset.queries) == ["q1", "2", "q3"]
    assert dataset.references["2"] == Reference(
        "Yes, but on the open deck and on a lead", ("rules/dogs.md", "boats.txt")
    )
    assert [dataset.answerable(query) for query in dataset.queries] == [True, True, False]
    assert [dataset.kind(query) for query in dataset.queries] == ["fact", "", "unanswerable"]
    assert listed(dataset) == set(FILES)


def test_documents_may_stand_beside_the_questions_which_are_not_indexed(tmp_path: Path) -> None:
    folder = write(tmp_path, inner=".")
    dataset = read_answers(folder)
    assert listed(dataset) == set(FILES)
    assert not any("questions" in name for name in listed(dataset))


def test_a_file_is_named_where_its_folder_is_something_else(tmp_path: Path) -> None:
    folder = write(tmp_path, inner=".")
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tboats.txt\t1\n")
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "Which boat?"}\n')
    assert read_dataset(folder).format == "beir"
    dataset = read_dataset(folder / "questions.jsonl")
    assert (dataset.format, len(dataset.queries)) == ("answers", 3)


def test_a_document_is_found_where_one_of_its_passages_is(tmp_path: Path) -> None:
    dataset = read_answers(write(tmp_path))
    names = ["x"] * 4 + ["rules/dogs.md"]
    found = {
        "q1": [Hit(Passage("boats.txt", 0, 3, "The"), 1.0)],
        "2": [Hit(Passage(name, 0, 1, "x"), 1.0) for name in names],
        "q3": [],
    }
    assert dataset.measure(found) == {
        "document-hit@1": {"q1": 1.0, "2": 0.0},
        "document-hit@5": {"q1": 1.0, "2": 1.0},
        "document-hit@10": {"q1": 1.0, "2": 1.0},
    }


def test_answers_are_judged_by_what_they_quote(tmp_path: Path) -> None:
    dataset = read_answers(write(tmp_path))
    answers = {
        "q1": said("Ninety.", "She was built in Leith.", "She carries ninety people."),
        "2": said("", abstained=True),
        "q3": said("Leith.", "She was built in Leith."),
    }
    assert dataset.right("q1", answers["q1"]) == (False, True)
    assert dataset.right("q3", answers["q3"]) == (False,)
    assert dataset.measure_answers(answers) == {
        "first-right": {"q1": 0.0, "2": 0.0},
        "right": {"q1": 1.0, "2": 0.0},
        "abstains": {"q3": 0.0},
        # The other answer is too long to be said word by word.
        "exact-match": {"q1": 1.0},
        "F1": {"q1": 1.0},
    }


def test_without_unanswerable_questions_nothing_is_told_of_them(tmp_path: Path) -> None:
    dataset = read_answers(write(tmp_path, RECORDS[:1]))
    assert "abstains" not in dataset.measure_answers({"q1": said("x")})


def changed(number: int, **fields: object) -> Callable[[], list[Record]]:
    return lambda: [
        {**one, **fields} if place == number else one for place, one in enumerate(RECORDS)
    ]


@pytest.mark.parametrize(
    ("records", "says"),
    [
        (changed(1, id="q1"), "questions.jsonl:2: a second question with the id 'q1'"),
        (changed(1, question=" "), "questions.jsonl:2: the field 'question' is empty"),
        (changed(1, answer=None), "questions.jsonl:2: the field 'answer' is missing"),
        (
            changed(1, documents="boats.txt"),
            "questions.jsonl:2: the field 'documents' must be a list of strings",
        ),
        (
            changed(1, evidence=[3]),
            "questions.jsonl:2: the field 'evidence' must be a list of strings",
        ),
        (
            changed(1, documents=[]),
            "questions.jsonl:2: has an answer, and names no document that holds it",
        ),
        (
            changed(2, documents=["boats.txt"]),
            "questions.jsonl:3: has no answer, and yet names documents or evidence",
        ),
        (lambda: list(RECORDS[2:]), "questions.jsonl: there is no question that has an answer"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, records: Callable[[], list[Record]], says: str
) -> None:
    write(tmp_path, records())
    with pytest.raises(SourceError) as caught:
        read_answers(tmp_path)
    assert str(caught.value) == f"{tmp_path}/{says}"


def test_documents_that_are_not_there_are_told(tmp_path: Path) -> None:
    write(tmp_path, changed(1, documents=["cats.md"])())
    with pytest.raises(SourceError, match=r"question '2' names a document .*: 'cats\.md'"):
        read_dataset(tmp_path)


def test_there_are_no_splits(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="the answers format has no splits; leave out 'dev'"):
        read_dataset(write(tmp_path), "dev")


def test_other_lines_are_no_dataset(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    for content in ('{"id": 1, "question": "x", "answer": "y"}\n', "[]\n", ""):
        path.write_text(content)
        with pytest.raises(SourceError, match=r"no dataset in a known format: .*; answers \("):
            read_dataset(tmp_path)
        with pytest.raises(SourceError, match="nor one of questions with their answers"):
            read_dataset(path)
