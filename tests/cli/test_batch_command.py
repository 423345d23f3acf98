"""`rag batch`: files of questions, files of answers, and running it again."""

from __future__ import annotations

import json
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, Exchange, ok, status
from cli_command import Command, process, write_documents

from rag.cli import progress
from rag.cli.answer_file import AnswerFile
from rag.cli.questions import opened_questions
from rag.errors import DiskFullError, RequestError

NOTICE = "How long is the notice period?"
BOAT = "How many passengers does the ferry Aurelia carry?"
PAY = "When are wages paid?"


@pytest.fixture
def rag(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    monkeypatch.chdir(tmp_path)
    write_documents(tmp_path)
    command = Command(capsys)
    assert command("index", "docs", "--pipeline", "bm25").code == 0
    return command


def written(path: Path = Path("answers.jsonl")) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def asked(*lines: object, name: str = "questions.jsonl") -> str:
    text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines)
    Path(name).write_text(text)
    return name


def test_answers_in_the_shape_of_ask(rag: Command) -> None:
    file = asked(
        {"question": NOTICE, "id": 7, "answer": "three months"},
        {"text": BOAT, "_id": "boat", "answers": ["ninety", "90"]},
        {"question": "Who painted the ceiling of the chapel?", "answers": []},
    )
    done = rag("batch", file, "-o", "answers.jsonl")
    assert (done.code, done.out) == (0, "")
    first, second, third = written()
    alone = rag("ask", NOTICE, "--json").json
    assert {**first, "seconds": 0} == {
        **alone, "line": 1, "id": 7, "key": first["key"], "run": first["run"], "error": None,
        "seconds": 0,
    }  # fmt: skip
    assert (second["line"], second["id"]) == (2, "boat")
    assert "ninety" in second["answer"]
    assert third["abstained"]
    assert "3 questions: 2 answered, 1 abstained, 0 failed" in done.err
    assert "answer-contained: 1.000 [1.000, 1.000] of 2 questions" in done.err
    assert "the answers are in answers.jsonl" in done.err


def test_summary_as_json(rag: Command) -> None:
    file = asked({"question": NOTICE, "answer": "three months"}, "{", {"question": PAY})
    done = rag("batch", file, "-o", "answers.jsonl", "--json")
    assert done.code == 1
    found = done.json
    assert (found["questions"], found["answered"], found["asked"]) == (3, 2, 2)
    (failed,) = found["failed"]
    assert (failed["line"], failed["id"]) == (2, None)
    assert "broken JSON" in failed["error"]
    assert found["measures"]["citation-precision"]["of"] == 1
    assert set(found["measures"]) == {
        "exact-match", "F1", "answer-contained", "citation-precision",
    }  # fmt: skip


def test_bad_lines_are_told_and_the_rest_goes_on(rag: Command) -> None:
    file = asked(
        "{broken", "", {"question": NOTICE, "id": 1}, "[1]", {"id": 1, "question": "  "},
        {"question": "x" * 100_000}, {"question": 5}, {"question": BOAT, "where": "year >"},
        {"question": BOAT, "history": [{"role": "user", "text": "Hello"}]},
        {"question": BOAT, "id": 1, "history": []},
    )  # fmt: skip
    done = rag("batch", file, "-o", "answers.jsonl")
    assert done.code == 1
    found = {one["line"]: one["error"] for one in written()}
    assert list(found) == [1, 3, 4, 5, 6, 7, 8, 9, 10]
    assert {line for line, error in found.items() if error is None} == {3, 10}
    assert "100,000 characters" in found[6]
    assert "where" in found[8]
    assert "history" in found[9]
    assert "questions.jsonl:1: is broken JSON" in done.err
    assert "the id '1' is that of line 3 too" in done.err
    assert "Traceback" not in done.err


def test_filters_and_history(rag: Command) -> None:
    turns = [{"role": "user", "text": NOTICE}, {"role": "assistant", "content": "3 months."}]
    file = asked({"question": BOAT, "where": ["year = 2024"]}, {"question": BOAT, "history": turns})
    assert rag("batch", file, "-o", "answers.jsonl").code == 0
    first, second = written()
    assert first["abstained"]
    assert "ninety" in second["answer"]
    assert rag("batch", file, "-o", "other.jsonl", "--where", "year = 2024").code == 0
    assert all(one["abstained"] for one in written(Path("other.jsonl")))
    refused = rag("batch", file, "-o", "none.jsonl", "--where", "nothing = 1")
    assert refused.code == 2
    assert not Path("none.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("q.txt", f"{NOTICE}\n\n{BOAT}\n".encode()),
        ("q", f"\ufeff{NOTICE}\r\n{BOAT}".encode()),
        ("q.txt", f"{NOTICE}\n{BOAT}\n".encode("utf-16")),
        ("q.csv", f'id;question\n1;"{NOTICE}"\n\n2;{BOAT}\n'.encode()),
        ("q.tsv", f"Question\tanswer\n{NOTICE}\tx\n{BOAT}\ty\n".encode("utf-16")),
        ("q", f"id,text\n1,{NOTICE}\n2,{BOAT}\n".encode()),
        ("q.jsonl", f'\ufeff{{"text":"{NOTICE}"}}\n{{"text":"{BOAT}"}}\n'.encode("utf-16-le")),
    ],
)
def test_forms_of_questions(rag: Command, name: str, data: bytes) -> None:
    Path(name).write_bytes(data)
    assert rag("batch", name, "-o", "answers.jsonl").code == 0
    assert [one["question"] for one in written()] == [NOTICE, BOAT]


def test_encodings_may_differ_from_line_to_line(rag: Command) -> None:
    lines = ("Où est la lampe ?".encode(), "Où est la lampe ?".encode("latin-1"))
    Path("q.txt").write_bytes(b"\n".join(lines))
    assert rag("batch", "q.txt", "-o", "answers.jsonl").code == 0
    assert [one["question"] for one in written()] == ["Où est la lampe ?"] * 2


def test_standard_input(rag: Command, tmp_path: Path) -> None:
    line = json.dumps({"question": NOTICE}).encode()
    done = process(tmp_path, "batch", "-", "-o", "answers.jsonl", stdin=line)
    assert done.code == 0
    assert "three months" in written()[0]["answer"]
    assert process(tmp_path, "batch", "-", "-o", "answers.jsonl", stdin=line).code == 0
    assert len(written()) == 1


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "it is empty"),
        (b" \n\n", "it is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG image"),
        (b"a\0b", "NUL bytes"),
    ],
)
def test_what_is_no_file_of_questions(rag: Command, data: bytes, told: str) -> None:
    Path("questions.jsonl").write_bytes(data)
    done = rag("batch", "questions.jsonl", "-o", "answers.jsonl")
    assert done.code == 2
    assert told in done.err
    assert done.err.count("\n") == 1
    assert not Path("answers.jsonl").exists()


def test_places_that_cannot_be(rag: Command) -> None:
    file = asked({"question": NOTICE})
    Path("letter.txt").write_text("Dear Ann,\nall is well.\n")
    Path("half.txt").write_text("Dear")
    for questions, answers, told in (
        (file, file, "it holds the questions"),
        (file, "docs", "it is a folder"),
        (file, "nowhere/a.jsonl", "no folder 'nowhere'"),
        (file, "letter.txt", "no output of a batch"),
        (file, "half.txt", "no output of a batch"),
        (file, "/dev/full", "no ordinary file"),
        ("docs", "a.jsonl", "it is a folder"),
        ("gone.jsonl", "a.jsonl", "no such file"),
    ):
        for more in ([], ["--fresh"]):
            done = rag("batch", questions, "-o", answers, *more)
            assert done.code == 2
            assert told in done.err
            assert done.err.count("\n") == 1
    assert Path("letter.txt").read_text() == "Dear Ann,\nall is well.\n"
    assert Path("half.txt").read_text() == "Dear"
    assert not Path("a.jsonl").exists()
    assert not list(Path().glob(".*.lock"))


@pytest.mark.parametrize(
    "wrong",
    [{"line": 10**15}, {"line": 1.5}, {"line": True}, {"key": "f" * 40}, {"run": []}],
    ids=str,
)
def test_records_that_no_batch_writes(rag: Command, wrong: dict[str, Any]) -> None:
    file = asked({"question": NOTICE})
    sound = {"line": 1, "key": "0" * 16, "run": "", "question": "", "answer": "", "error": None}
    written = json.dumps({**sound, **wrong}) + "\n"
    Path("answers.jsonl").write_text(written)
    done = rag("batch", file, "-o", "answers.jsonl")
    assert done.code == 2
    assert "no output of a batch" in done.err
    assert Path("answers.jsonl").read_text() == written


def test_a_table_without_questions(rag: Command) -> None:
    Path("q.csv").write_text("a,b\n1,2\n")
    done = rag("batch", "q.csv", "-o", "answers.jsonl")
    assert done.code == 2
    assert "names no field 'question' (it has: a, b)" in done.err


def test_goes_on_where_it_was(rag: Command) -> None:
    file = asked({"question": NOTICE}, {"question": BOAT}, {"question": PAY})
    rag("batch", file, "-o", "answers.jsonl")
    whole = Path("answers.jsonl").read_bytes()
    first, second, _ = whole.splitlines(keepends=True)
    for left in (b"", first[:3], first[:-1], first, first + second[:40]):
        Path("answers.jsonl").write_bytes(left)
        done = rag("batch", file, "-o", "answers.jsonl", "--json")
        assert done.json["asked"] == 3 - left.count(b"\n")
        assert [one["line"] for one in written()] == [1, 2, 3]
        kept = left[: left.rfind(b"\n") + 1]
        assert Path("answers.jsonl").read_bytes().startswith(kept)
    # More questions at the end are the same file, gone on with.
    asked({"question": NOTICE}, {"question": BOAT}, {"question": PAY}, {"question": "And now?"})
    assert rag("batch", file, "-o", "answers.jsonl", "--json").json["asked"] == 1


def test_answers_of_others_are_refused(rag: Command) -> None:
    file = asked({"question": NOTICE}, {"question": BOAT})
    rag("batch", file, "-o", "answers.jsonl")
    before = Path("answers.jsonl").read_bytes()
    other = rag("batch", file, "-o", "answers.jsonl", "--set", "query.cut.k=3")
    assert (other.code, Path("answers.jsonl").read_bytes()) == (2, before)
    assert "another pipeline, index or filter" in other.err
    assert "--fresh" in other.err
    changed = asked({"question": NOTICE}, {"question": PAY}, name="changed.jsonl")
    refused = rag("batch", changed, "-o", "answers.jsonl")
    assert refused.code == 2
    assert "another question on line 2" in refused.err
    assert rag("batch", asked({"question": NOTICE}), "-o", "answers.jsonl").code == 2
    assert Path("answers.jsonl").read_bytes() == before
    assert rag("batch", changed, "-o", "answers.jsonl", "--fresh").code == 0
    assert [one["question"] for one in written()] == [NOTICE, PAY]


def test_what_failed_is_asked_again_and_stands_in_its_place(rag: Command) -> None:
    broken = [True]

    def at_times(exchange: Exchange) -> None:
        fails = broken[0] and "passengers" in exchange.request.prompt.rsplit("question", 2)[-2]
        (status(400) if fails else ok("It is so. [1]"))(exchange)

    file = asked({"question": NOTICE}, {"question": BOAT}, {"question": PAY})
    with ChatServer(at_times) as server:
        model = f"{{use: openai, base_url: '{server.url}/v1', model: m}}"
        answer = f"answer={{use: chat, model: {model}, retries: 0, cache: false}}"
        run = ("batch", file, "-o", "answers.jsonl", "--set", answer, "--json")
        done = rag(*run, "--no-retry")
        assert (done.code, len(server.requests)) == (1, 3)
        assert [bool(one["error"]) for one in written()] == [False, True, False]
        done = rag(*run)
        assert (done.code, len(server.requests)) == (1, 4)
        assert "asking once more what failed: 1 question" in done.err
        broken[0] = False
        done = rag(*run)
        assert (done.code, len(server.requests)) == (0, 5)
        assert done.json["asked"] == 1
    assert [(one["line"], one["error"]) for one in written()] == [(1, None), (2, None), (3, None)]


def test_a_line_that_was_put_right_is_asked(rag: Command) -> None:
    file = asked({"question": NOTICE}, "{broken", {"question": PAY})
    assert rag("batch", file, "-o", "answers.jsonl").code == 1
    asked({"question": NOTICE}, {"question": BOAT}, {"question": PAY})
    assert rag("batch", file, "-o", "answers.jsonl").code == 0
    assert [one["question"] for one in written()] == [NOTICE, BOAT, PAY]


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    def line(number: int) -> dict[str, object]:
        text = "word " * 100
        return {
            "line": number, "id": None, "key": "a1", "run": "r", "question": text, "answer": text,
            "error": None,
        }  # fmt: skip

    path = tmp_path / "answers.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with AnswerFile(path, "r") as answers:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, before[1]))
        try:
            with pytest.raises(DiskFullError, match="no space is left"):
                for number in range(1, 100):
                    answers.add(line(number))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        kept = len(answers)
    assert 1 < kept < 10
    assert [json.loads(one)["line"] for one in path.read_text().splitlines()] == [
        *range(1, kept + 1)
    ]
    with AnswerFile(path, "r") as answers:
        assert not answers.has(kept + 1)
        answers.add(line(kept + 1))
        with (
            pytest.raises(RequestError, match="another batch is writing it"),
            AnswerFile(path, "r"),
        ):
            pass
        assert [one["line"] for one in answers.records()] == [*range(1, kept + 2)]


def test_records_that_count_are_the_last(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"

    def add(answers: AnswerFile, lines: Sequence[int], error: str | None) -> None:
        for one in lines:
            answers.add(
                {
                    "line": one,
                    "key": "0",
                    "run": "r",
                    "question": "q",
                    "answer": "a",
                    "error": error,
                }
            )

    with AnswerFile(path, "r") as answers:
        add(answers, [2, 3, 5], "no")
        add(answers, [3], None)
        assert [answers.failed(line) for line in range(1, 6)] == [False, True, False, False, True]
    with AnswerFile(path, "r") as answers:
        answers.finish()
        add(answers, [6], None)
        assert [(one["line"], one["error"]) for one in answers.records()] == [
            (2, "no"), (3, None), (5, "no"), (6, None),
        ]  # fmt: skip
    assert [one["line"] for one in written(path)] == [2, 3, 5, 6]


def test_questions_can_be_gone_through_twice(tmp_path: Path) -> None:
    path = tmp_path / "q.txt"
    path.write_text("Where?\nWhen?\n")
    with opened_questions(str(path)) as questions:
        assert list(questions) == list(questions)
        assert [one.line for one in questions] == [1, 2]


def test_progress_line() -> None:
    assert progress.question_line(10, 0, 100, 5) == "10 of 100 questions"
    line = progress.question_line(30, 20, 100, 10)
    assert line == "30 of 100 questions, 2.0/s, about 35 s left"
