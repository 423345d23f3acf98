"""`rag batch`: what is wrong with a file or an index is told so that it can be put right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, Exchange, closed_port, ok, status
from cli_command import Command, write_documents


@pytest.fixture
def rag(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    monkeypatch.chdir(tmp_path)
    write_documents(tmp_path)
    command = Command(capsys)
    assert command("index", "docs", "--pipeline", "bm25").code == 0
    return command


def errors(rag: Command, *lines: str) -> list[str]:
    """What is wrong with each line, as it is written down."""
    Path("questions.jsonl").write_text("".join(f"{line}\n" for line in lines))
    assert rag("batch", "questions.jsonl", "-o", "answers.jsonl").code == 1
    return [json.loads(one)["error"] for one in Path("answers.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        ({"text": "Hello"}, "turn 1 of 'history' needs a 'role'"),
        ({"role": "system", "text": "Hello"}, "turn 1 of 'history' needs a 'role'"),
        ({"role": ["user"], "text": "Hello"}, "turn 1 of 'history' needs a 'role'"),
        ({"role": "user"}, "turn 1 of 'history' needs a 'text'"),
        ({"role": "user", "content": 5}, "turn 1 of 'history' needs a 'text'"),
    ],
)
def test_turns_are_told_of_as_the_file_has_them(
    rag: Command, turn: dict[str, Any], told: str
) -> None:
    (error,) = errors(rag, json.dumps({"question": "When?", "history": [turn]}))
    assert error.startswith(told)


def test_what_python_cannot_read_is_told_without_its_words(rag: Command) -> None:
    deep = '{"question": "Who?", "history": ' + "[" * 5000 + "]" * 5000 + "}"
    for error in errors(rag, deep, '{"question": "Who?", "id": 1' + "0" * 5000 + "}"):
        assert "it nests too deep, or a number is too long" in error


def test_many_ids_that_stand_twice_are_counted(rag: Command) -> None:
    line = json.dumps({"question": "Who?", "id": 1})
    Path("questions.jsonl").write_text(f"{line}\n" * 30)
    told = rag("batch", "questions.jsonl", "-o", "answers.jsonl").err
    assert told.count("is that of line 1 too") == 20
    assert "and 9 more with an id that stood before" in told


def test_an_index_without_documents_is_told_of(rag: Command) -> None:
    assert rag("remove", "docs").code == 0
    Path("questions.txt").write_text("Who?\n")
    done = rag("batch", "questions.txt", "-o", "answers.jsonl")
    assert "holds no documents yet" in done.err
    assert "--fresh" in done.err


def chatting(url: str, *options: str) -> list[str]:
    """Options by which a chat model at `url` answers."""
    model = f"{{use: openai, base_url: '{url}/v1', model: m}}"
    limits = "".join(f", {one}" for one in ("retries: 0", "cache: false", *options))
    return ["--set", f"answer={{use: chat, model: {model}{limits}}}"]


def test_a_server_that_was_misspelt_is_put_right(rag: Command) -> None:
    Path("questions.txt").write_text("Wages?\nNotice period?\n")
    command = ("batch", "questions.txt", "-o", "answers.jsonl")
    assert rag(*command, *chatting(closed_port())).code == 1
    with ChatServer(ok("Wages are paid on the last Friday.")) as server:
        done = rag(*command, *chatting(server.url))
    assert done.code == 0, done.err
    records = [json.loads(one) for one in Path("answers.jsonl").read_text().splitlines()]
    assert [(one["line"], one["error"]) for one in records] == [(1, None), (2, None)]


def test_whoever_raises_a_limit_goes_on(rag: Command) -> None:
    Path("questions.txt").write_text("Wages?\nNotice period?\n")
    command = ("batch", "questions.txt", "-o", "answers.jsonl", "--workers", "1")

    def behave(exchange: Exchange) -> None:
        wages = "Wages?" in exchange.request.prompt
        (ok("Wages are paid on the last Friday.") if wages else status(500))(exchange)

    with ChatServer(behave) as server:
        assert rag(*command, *chatting(server.url, "timeout: 30")).code == 1
        asked = len(server.requests)
        again = rag(*command, *chatting(server.url, "timeout: 40", "deadline: 300"))
        assert "1 failed" in again.err
        assert not [one for one in server.requests[asked:] if "Wages?" in one.prompt]
        other = rag(*command, *chatting(server.url, "unsupported: drop"))
    assert (other.code, "another pipeline" in other.err) == (2, True)
