from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from rag.errors import RequestError, SourceError
from rag.evaluate.beir import read_beir
from rag.types import Block, Document

SCIFACT = Path(__file__).parents[3] / "shared" / "data" / "scifact"
HEADER = "query-id\tcorpus-id\tscore\n"

CORPUS = [
    {"_id": "d1", "title": "Tides", "text": "The moon pulls the sea."},
    {"_id": "d2", "title": "", "text": "Salt lowers the freezing point."},
    {"_id": "d3", "title": "Only a title", "text": ""},
]
QUERIES = [
    {"_id": "q2", "text": "why does the sea rise"},
    {"_id": "q1", "text": "does salt melt ice"},
    {"_id": "q3", "text": "nobody judged this"},
]


def jsonl(records: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus.jsonl").write_text(jsonl(CORPUS))
    (tmp_path / "queries.jsonl").write_text(jsonl(QUERIES))
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text(f"{HEADER}q1\td2\t2\nq1\td1\t0\nq2\td1\t1\n")
    (tmp_path / "qrels" / "dev.tsv").write_text(f"{HEADER}q2\td1\t1\n")
    return tmp_path


def fault(folder: Path, split: str = "test") -> str:
    """The message for a folder that must be refused: one line, without the folder's path."""
    with pytest.raises(RequestError) as caught:
        read_beir(folder, split)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


def test_reads_queries_that_are_judged_in_the_split(folder: Path) -> None:
    dataset = read_beir(folder)
    assert dataset.name == folder.name
    assert dataset.format == "beir"
    assert dataset.folder == folder
    assert dataset.queries == {"q1": "does salt melt ice", "q2": "why does the sea rise"}
    assert dataset.qrels == {"q1": {"d2": 2, "d1": 0}, "q2": {"d1": 1}}
    assert read_beir(folder, "dev").queries.keys() == {"q2"}


def test_documents_are_title_newline_text_with_blocks(folder: Path) -> None:
    dataset = read_beir(folder)
    assert dataset.documents is not None
    assert list(dataset.documents()) == [
        Document(
            id="d1",
            source="corpus.jsonl#d1",
            text="Tides\nThe moon pulls the sea.",
            title="Tides",
            blocks=(
                Block(0, 5, kind="heading", headings=("Tides",)),
                Block(6, 29, headings=("Tides",)),
            ),
        ),
        Document(
            id="d2",
            source="corpus.jsonl#d2",
            text="Salt lowers the freezing point.",
            blocks=(Block(0, 31),),
        ),
        Document(
            id="d3",
            source="corpus.jsonl#d3",
            text="Only a title\n",
            title="Only a title",
            blocks=(Block(0, 12, kind="heading", headings=("Only a title",)),),
        ),
    ]


def test_documents_are_streamed_anew_at_every_call(folder: Path) -> None:
    documents = read_beir(folder).documents
    assert documents is not None
    first = documents()
    assert next(first).id == "d1"
    assert [document.id for document in documents()] == ["d1", "d2", "d3"]
    assert next(first).id == "d2"


def test_reads_questions_and_files_where_there_is_no_corpus(folder: Path) -> None:
    (folder / "corpus.jsonl").unlink()
    (folder / "queries.jsonl").rename(folder / "questions.jsonl")
    (folder / "qrels" / "test.tsv").write_text(f"{HEADER}q1\tmanuals/ice.md\t1\n")
    dataset = read_beir(folder)
    assert dataset.documents is None
    assert dataset.folder == folder
    assert dataset.qrels == {"q1": {"manuals/ice.md": 1}}


def test_queries_file_goes_before_questions_file(folder: Path) -> None:
    (folder / "questions.jsonl").write_text("broken")
    assert read_beir(folder).queries["q1"] == "does salt melt ice"


def test_accepts_byte_order_mark_windows_newlines_blank_lines_and_numbers_as_ids(
    folder: Path,
) -> None:
    (folder / "corpus.jsonl").write_bytes(b'\xef\xbb\xbf{"_id": 7, "text": "x"}\r\n\r\n')
    (folder / "qrels" / "test.tsv").write_bytes(
        b"\xef\xbb\xbfquery-id\tcorpus-id\tscore\r\nq1\t7\t1\r\n\r\n"
    )
    assert read_beir(folder).qrels == {"q1": {"7": 1}}


def test_null_title_is_no_title(folder: Path) -> None:
    (folder / "corpus.jsonl").write_text(
        jsonl([*CORPUS[:1], {"_id": "d2", "title": None, "text": "x"}])
    )
    documents = read_beir(folder).documents
    assert documents is not None
    assert [document.text for document in documents()][1] == "x"


def test_a_judgement_may_be_repeated(folder: Path) -> None:
    (folder / "qrels" / "test.tsv").write_text(f"{HEADER}q1\td2\t1\nq1\td2\t1\n")
    assert read_beir(folder).qrels == {"q1": {"d2": 1}}


def test_refuses_a_folder_that_there_is_not(tmp_path: Path) -> None:
    message = fault(tmp_path / "nowhere")
    assert message == f"{tmp_path}/nowhere: no such folder; name a folder in BEIR format"


def test_refuses_a_folder_without_queries(folder: Path) -> None:
    (folder / "queries.jsonl").unlink()
    message = fault(folder)
    assert message == f"{folder}: there is neither queries.jsonl nor questions.jsonl"


def test_lists_the_splits_that_there_are(folder: Path) -> None:
    assert fault(folder, "train") == "qrels: no split 'train' (train.tsv); splits there: dev, test"


@pytest.mark.parametrize("split", ["../qrels/test", "", "."])
def test_a_split_is_a_name_and_no_path(folder: Path, split: str) -> None:
    assert f"no split '{split}'" in fault(folder, split)


def test_says_when_there_are_no_splits(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text(jsonl(QUERIES))
    assert fault(tmp_path) == "qrels: no split 'test' (test.tsv); there are no splits"


GOOD = '{"_id": "q1", "text": "x"}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            GOOD + '{"_id": "q2", \n',
            ":2: broken JSON (Expecting property name enclosed in double quotes); "
            "each line must be one JSON object",
        ),
        ("[" * 100_000, ":1: broken JSON (maximum recursion depth exceeded"),
        (GOOD + "[1]\n", ":2: each line must be a JSON object"),
        (GOOD + '\n{"text": "x"}\n', ":3: the field '_id' is missing"),
        ('{"_id": "", "text": "x"}\n', ":1: the field '_id' is empty"),
        ('{"_id": true, "text": "x"}\n', ":1: the field '_id' must be a string"),
        ('{"_id": "q1"}\n', ":1: the field 'text' is missing"),
        ('{"_id": "q1", "text": 3}\n', ":1: the field 'text' must be a string"),
        ('{"_id": "q1", "text": "\\ud800"}\n', ":1: the field 'text' holds an unpaired surrogate"),
    ],
)
@pytest.mark.parametrize("file", ["queries.jsonl", "corpus.jsonl"])
def test_refuses_a_broken_record(folder: Path, file: str, text: str, message: str) -> None:
    (folder / "qrels" / "test.tsv").write_text(f"{HEADER}q1\tq1\t1\n")
    (folder / "queries.jsonl").write_text(GOOD)
    (folder / file).write_text(text)
    assert fault(folder).startswith(file + message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \t", "queries.jsonl:2: the field 'text' is empty"),
        ("why " * 6_000, "queries.jsonl:2: the field 'text' has 24,000 characters"),
    ],
)
def test_refuses_what_cannot_be_asked(folder: Path, text: str, message: str) -> None:
    asked = [QUERIES[0], {**QUERIES[1], "text": text}, QUERIES[2]]
    (folder / "queries.jsonl").write_text(jsonl(asked))
    assert fault(folder).startswith(message)
    assert read_beir(folder, "dev").queries.keys() == {"q2"}  # nobody asks it there


def test_refuses_bytes_that_are_not_utf8(folder: Path) -> None:
    (folder / "corpus.jsonl").write_bytes(GOOD.encode() + b'{"_id": "d\xff"}\n')
    assert fault(folder) == "corpus.jsonl:2: not UTF-8; save the file as UTF-8"


def test_refuses_a_file_that_cannot_be_read(folder: Path) -> None:
    (folder / "corpus.jsonl").unlink()
    (folder / "corpus.jsonl").mkdir()
    assert fault(folder) == "corpus.jsonl: cannot be read: Is a directory"


def test_refuses_ids_given_twice(folder: Path) -> None:
    (folder / "corpus.jsonl").write_text(jsonl([*CORPUS, CORPUS[0]]))
    assert fault(folder) == "corpus.jsonl:4: a second document with the id 'd1'"
    (folder / "queries.jsonl").write_text(jsonl([*QUERIES, QUERIES[1]]))
    assert fault(folder) == "queries.jsonl:4: a second query with the id 'q1'"


COLUMNS = "query-id, corpus-id, score, separated by tabs"


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ("", f": the header must be {COLUMNS}"),
        ("q1\td1\t1\n", f":1: the header must be {COLUMNS}"),
        (f"{HEADER}", ": no query has a judgement"),
        (f"{HEADER}q1\td1\t1\nq1 d1 1\n", f":3: 1 columns where there must be {COLUMNS}"),
        (f"{HEADER}q1\t0\td1\t1\n", f":2: 4 columns where there must be {COLUMNS}"),
        (f"{HEADER}q1\td1\t0.5\n", ":2: the score '0.5' is not a whole number"),
        (f"{HEADER}q1\td1\t\n", ":2: the score '' is not a whole number"),
        (f"{HEADER}q1\td1\t9999999\n", ":2: the score 9999999 is beyond the highest, 1000"),
        (
            f"{HEADER}q1\td1\t1\nq1\td1\t0\n",
            ":3: query 'q1' and document 'd1' are judged 0 here but 1 on line 2",
        ),
        (
            f"{HEADER}q9\td1\t1\nq1\td1\t1\nq8\td1\t1\n",
            ": judgements of queries that queries.jsonl does not have: "
            "'q9' (line 2), 'q8' (line 4)",
        ),
        (
            f"{HEADER}q1\td9\t1\nq1\td1\t1\n",
            ": judgements of documents that corpus.jsonl does not have: 'd9' (line 2)",
        ),
        (
            HEADER + "".join(f"q1\tx{n}\t1\n" for n in range(7)),
            ": judgements of documents that corpus.jsonl does not have: 'x0' (line 2), "
            "'x1' (line 3), 'x2' (line 4), 'x3' (line 5), 'x4' (line 6) and 2 more",
        ),
    ],
)
def test_refuses_wrong_judgements(folder: Path, qrels: str, message: str) -> None:
    (folder / "qrels" / "test.tsv").write_text(qrels)
    assert fault(folder) == f"qrels/test.tsv{message}"


def test_what_is_broken_is_a_source_error(folder: Path) -> None:
    (folder / "qrels" / "test.tsv").write_text(HEADER)
    with pytest.raises(SourceError):
        read_beir(folder)


@pytest.mark.skipif(
    not SCIFACT.is_dir(), reason="the SciFact collection is not beside the checkout"
)
def test_reads_scifact() -> None:
    dataset = read_beir(SCIFACT)
    assert dataset.name == "scifact"
    assert dataset.documents is not None
    assert sum(1 for _ in dataset.documents()) == 5183
    assert len(dataset.queries) == len(dataset.qrels) == 300
    assert sum(len(grades) for grades in dataset.qrels.values()) == 339
    for document in dataset.documents():
        spans = [document.text[block.start : block.end] for block in document.blocks]
        assert "\n".join(spans) == document.text
