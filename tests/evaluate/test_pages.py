from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from rag.errors import RequestError, SourceError
from rag.evaluate.beir import BeirDataset
from rag.evaluate.detection import read_dataset
from rag.evaluate.pages import PagesDataset, read_pages
from rag.types import Hit, Passage

RECORDS: list[Mapping[str, object]] = [
    {"id": "q1", "question": "When does the ferry leave?", "doc": "ferry", "pages": [0, 2]},
    {"id": 7, "question": "Who lights the lamp?", "doc": "lamp.v2", "pages": [1], "answer": "x"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pdfs").mkdir()
    for name in ("ferry", "lamp.v2"):
        (tmp_path / "pdfs" / f"{name}.pdf").write_bytes(b"%PDF-1.4")
    write(tmp_path, RECORDS)
    return tmp_path


def write(folder: Path, records: list[Mapping[str, object]]) -> None:
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "questions.jsonl").write_text(lines)


def hits(*places: tuple[str, int | None]) -> list[Hit]:
    found = [Passage(name, n, n + 1, "x", page=page) for n, (name, page) in enumerate(places)]
    return [Hit(passage, 1 / (n + 1)) for n, passage in enumerate(found)]


def test_a_hit_is_of_the_document_and_of_a_page_of_the_evidence(folder: Path) -> None:
    dataset = read_pages(folder)
    assert dataset.queries == {"q1": RECORDS[0]["question"], "7": RECORDS[1]["question"]}
    found = {
        "q1": hits(("ferry.pdf", 2), ("lamp.v2.pdf", 1), ("ferry.pdf", None), ("ferry.pdf", 3)),
        "7": hits(("lamp.v2.pdf", 1), *[("ferry.pdf", 1)] * 8, ("lamp.v2.pdf", 2)),
    }
    assert dataset.measure(found) == {
        "page-hit@1": {"q1": 0.0, "7": 0.0},
        "page-hit@5": {"q1": 1.0, "7": 0.0},
        "page-hit@10": {"q1": 1.0, "7": 1.0},
        "document-hit@10": {"q1": 1.0, "7": 1.0},
    }
    late = {"q1": hits(*[("lamp.v2.pdf", 1)] * 10, ("ferry.pdf", 1))}
    assert {v for values in dataset.measure(late).values() for v in values.values()} == {0.0}


def test_the_files_are_the_documents(folder: Path) -> None:
    dataset = read_dataset(folder)
    assert isinstance(dataset, PagesDataset)
    assert (dataset.format, dataset.documents, dataset.files) == ("pages", None, folder / "pdfs")
    assert dataset.compared == "page-hit@10"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"doc": "nowhere"}, "questions.jsonl:2: there is no file pdfs/nowhere.pdf"),
        ({"doc": None}, "questions.jsonl:2: the field 'doc' is missing"),
        ({"id": ""}, "questions.jsonl:2: the field 'id' is empty"),
        ({"id": "q1"}, "questions.jsonl:2: a second question with the id 'q1'"),
        ({"question": 5}, "questions.jsonl:2: the field 'question' must be a string"),
        *(
            ({"pages": wrong}, "questions.jsonl:2: the field 'pages' must be a list of page")
            for wrong in ([], None, "3", [-1], [True], ["3"])
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    folder: Path, change: Mapping[str, object], says: str
) -> None:
    write(folder, [RECORDS[0], {**RECORDS[1], **change}])
    with pytest.raises(SourceError) as caught:
        read_dataset(folder)
    assert str(caught.value).replace(f"{folder}/", "").startswith(says)


def test_no_questions_and_no_splits(folder: Path) -> None:
    with pytest.raises(RequestError, match="the page format has no splits; leave out 'dev'"):
        read_dataset(folder, "dev")
    write(folder, [])
    with pytest.raises(SourceError, match="there is no question"):
        read_dataset(folder)


def test_formats_are_told_apart(folder: Path, tmp_path: Path) -> None:
    qrels = folder / "qrels"
    qrels.mkdir()
    (qrels / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tpdfs/ferry.pdf\t1\n")
    write(folder, [{"_id": "q1", "text": "When does the ferry leave?"}])
    assert isinstance(read_dataset(folder), BeirDataset)
    with pytest.raises(SourceError, match="no such folder; name the folder of a dataset"):
        read_dataset(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"no dataset in a known format: BEIR .*; pages "):
        read_dataset(tmp_path / "empty")
