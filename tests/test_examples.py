"""The examples do what they say."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from chat_server import Behaviour, ChatServer, Exchange, stream
from fastapi import FastAPI
from fastapi.testclient import TestClient
from speaking import Speaker, speaking

import rag as ragline
from rag import Answer, Rag
from rag.errors import ModelError, NoIndexError
from rag.types import Delta, Ranking

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples"))

import chatbot  # noqa: E402
import nightly  # noqa: E402

TEXTS = {
    "ferry.txt": "The ferry leaves at nine. Dogs travel free.",
    "lamp.txt": "The keeper lights the lamp at dusk.",
}


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def index(tmp_path: Path, documents: Path) -> Path:
    with Rag.open(tmp_path / ".rag", pipeline="bm25", workers=0) as rag:
        rag.index(documents)
    return tmp_path / ".rag"


@pytest.fixture
def app(index: Path) -> FastAPI:
    return chatbot.application(str(index))


def told(body: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream."""
    events = []
    for block in body.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        events.append((fields["event"], json.loads(fields["data"])))
    return events


def ask(client: TestClient, question: str, **more: str) -> list[tuple[str, dict[str, Any]]]:
    response = client.post("/chat", json={"question": question, **more})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return told(response.text)


def test_chatbot_tells_sources_first_and_then_the_answer(app: FastAPI) -> None:
    with TestClient(app) as client:
        (first, sources), *pieces, (last, answer) = ask(client, "When does the ferry leave?")
    assert (first, last) == ("sources", "answer")
    assert sources["sources"][0]["source"].endswith("ferry.txt")
    assert "".join(data["text"] for event, data in pieces if event == "text") == answer["text"]
    (citation,) = answer["citations"]
    text = TEXTS["ferry.txt"]
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert "nine" in citation["quote"]


def test_chatbot_remembers_each_conversation(app: FastAPI) -> None:
    with TestClient(app) as client:
        _, first = ask(client, "When does the ferry leave?")[-1]
        _, other = ask(client, "Who lights the lamp?")[-1]
        name = first["conversation"]
        assert name != other["conversation"]
        seen = listening(client)
        _, second = ask(client, "Do dogs travel free?", conversation=name)[-1]
        assert second["conversation"] == name
        assert [turn.text for turn in seen[-1]] == ["When does the ferry leave?", first["text"]]
        ask(client, "And at dusk?", conversation=name)
        assert len(seen[-1]) == 4
        response = client.post("/chat", json={"question": "Who?", "conversation": "unknown"})
        assert response.status_code == 400
        assert "begin another" in response.json()["error"]


def listening(client: TestClient) -> list[tuple[Any, ...]]:
    """The histories that the Rag is asked with from now on."""
    app: Any = client.app
    rag, seen = app.state.rag, []

    def astream(question: str, **given: Any) -> AsyncGenerator[Ranking | Delta | Answer]:
        seen.append(given["history"])
        return Rag.astream(rag, question, **given)

    rag.astream = astream
    return seen


def test_conversations_are_bounded() -> None:
    known = chatbot.Conversations(most=3, exchanges=2)
    first = known.add(None, Answer("0", "0", False))
    for number in range(1, 5):
        assert known.add(first, Answer(f"q{number}", f"a{number}", False)) == first
    assert [turn.text for turn in known.history(first)] == ["q3", "a3", "q4", "a4"]
    for number in range(3):
        known.add(None, Answer(str(number), "", False))
    with pytest.raises(ragline.RagError, match="begin another"):
        known.history(first)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"question": " "}, "empty"),
        ({"question": "x" * 20_001}, "20,001 characters"),
        ({"question": "lamp", "where": "colour=red"}, "no document has a field"),
        ({"question": "lamp", "where": "=="}, "filter"),
        ({"question": 7}, "question: "),
        ({}, "question: Field required"),
        ([], "dictionary"),
    ],
)
def test_chatbot_says_in_one_line_what_is_wrong(app: FastAPI, sent: Any, says: str) -> None:
    with TestClient(app) as client:
        response = client.post("/chat", json=sent)
    assert response.status_code == 400
    (error,) = response.json().values()
    assert says in error
    assert "\n" not in error


def test_chatbot_tells_of_failures_of_its_own(app: FastAPI, documents: Path, index: Path) -> None:
    class Broken(Speaker):
        def stream(self, *given: Any) -> Iterator[Delta | Answer]:
            yield Delta("The ")
            raise ModelError("the model\nis gone")

    with TestClient(app) as client:
        speaking(app.state.rag, Broken())
        *_, (event, data) = ask(client, "When does the ferry leave?")
        assert (event, data) == ("error", {"error": "the model is gone"})
        overrides = ("index.chunk.max_tokens=16",)
        with Rag.open(index, pipeline="bm25", overrides=overrides, workers=0) as other:
            other.index(documents, rebuild=True)
        response = client.post("/chat", json={"question": "When does the ferry leave?"})
        assert response.status_code == 503
        assert "another pipeline" in response.json()["error"]


def test_chatbot_does_not_start_without_an_index(tmp_path: Path) -> None:
    app = chatbot.application(str(tmp_path / "nowhere"))
    with pytest.raises(NoIndexError), TestClient(app):
        pass


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of `app` on a real server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        until = time.monotonic() + 30
        while not server.started and time.monotonic() < until:
            time.sleep(0.01)
        assert server.started
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def test_a_client_that_goes_away_ends_the_generation(app: FastAPI) -> None:
    with served(app) as url:
        speaker = speaking(app.state.rag, Speaker(pause=0.01, words=100_000))
        with httpx2.stream("POST", f"{url}/chat", json={"question": "the ferry"}) as response:
            for line in response.iter_lines():
                if line == "event: text":
                    break
        assert speaker.closed.wait(20)
        assert 0 < speaker.told < speaker.words
        # The server goes on for others.
        speaker.words, speaker.pause = 3, 0.0
        answered = httpx2.post(f"{url}/chat", json={"question": "the ferry"})
        assert told(answered.text)[-1][1]["text"] == "word word word "


def test_pieces_are_sent_while_the_rest_is_made(app: FastAPI) -> None:
    with served(app) as url:
        speaker = speaking(app.state.rag, Speaker(pause=0.02, words=50))
        body = {"question": "the ferry"}
        with httpx2.stream("POST", f"{url}/chat", json=body) as response:
            lines = response.iter_lines()
            assert next(lines) == "event: sources"
            assert "event: text" in lines
            assert speaker.told < 25
            assert "event: answer" in lines


@contextmanager
def chatting(index: Path, behaviour: Behaviour) -> Iterator[FastAPI]:
    """The chatbot with a chat model, served on loopback, that writes its answers."""
    with ChatServer(behaviour) as server:
        model = f"{{use: openai, base_url: '{server.url}/v1', model: m}}"
        overrides = (f"answer={{use: chat, model: {model}}}",)
        with Rag.open(index, pipeline="bm25", overrides=overrides, workers=0) as rag:
            rag.index(index.parent / "documents")
        yield chatbot.application(str(index))


def test_chatbot_streams_what_a_chat_model_writes(index: Path) -> None:
    pieces = ["The ferry ", "leaves at nine ", "[1]."]
    with chatting(index, stream(pieces)) as app, TestClient(app) as client:
        (first, _), *told_pieces, (last, answer) = ask(client, "When does the ferry leave?")
    assert (first, last) == ("sources", "answer")
    assert "nine" in answer["text"]
    assert "".join(data["text"] for _, data in told_pieces) == answer["text"]
    assert answer["citations"][0]["source"].endswith("ferry.txt")


def test_a_client_that_goes_away_hangs_up_on_the_model(index: Path) -> None:
    left = threading.Event()

    def endless(exchange: Exchange) -> None:
        exchange.begin()
        number = 0
        while exchange.chunk(exchange.piece(f"The ferry leaves at nine, {number} [1]. ")):
            number += 1
            if exchange.over.wait(0.02):
                return
        left.set()

    with chatting(index, endless) as app, served(app) as url:
        body = {"question": "When does the ferry leave?"}
        with httpx2.stream("POST", f"{url}/chat", json=body) as response:
            assert "event: text" in response.iter_lines()
        assert left.wait(20)


def run(*arguments: object) -> int:
    return nightly.main([str(one) for one in arguments])


def test_nightly_indexes_and_answers(
    tmp_path: Path, documents: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, answers = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    asked.write_text(
        '{"id": 1, "question": "When does the ferry leave?"}\n\n{"id": 2, "question": "Who?"}\n'
    )
    options = ("--index", tmp_path / ".rag", "--pipeline", "bm25")
    assert run(documents, asked, answers, *options) == 0
    first, second = [json.loads(line) for line in answers.read_text().splitlines()]
    assert (first["id"], second["id"]) == (1, 2)
    assert "nine" in first["answer"]
    assert first["citations"][0]["source"].endswith("ferry.txt")
    (documents / "ferry.txt").write_text("The ferry leaves at ten.")
    assert run(documents, asked, answers, *options) == 0
    assert "ten" in json.loads(answers.read_text().splitlines()[0])["answer"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "2 documents, 2 questions\n" * 2


def test_nightly_tells_what_it_could_not_do(
    tmp_path: Path, documents: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, answers = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    asked.write_text('{"question": ""}\n{"question": "When does the ferry leave?"}\n')
    options = ("--index", tmp_path / ".rag", "--pipeline", "bm25")
    assert run(documents, asked, answers, *options) == 1
    empty, answered = [json.loads(line) for line in answers.read_text().splitlines()]
    assert "empty" in empty["error"]
    assert "nine" in answered["answer"]
    assert "failed: '': " in capsys.readouterr().err
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7 no more")
    assert run(documents, asked, answers, *options) == 1
    assert "broken.pdf" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"text": "Who?"}', '{"question": 7}'])
def test_nightly_does_nothing_with_a_file_that_is_wrong(
    tmp_path: Path, documents: Path, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, answers = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    asked.write_text(line)
    assert run(documents, asked, answers, "--index", tmp_path / ".rag") == 2
    assert not answers.exists()
    assert not (tmp_path / ".rag").exists()
    assert re.fullmatch(r"error: .*questions\.jsonl:1: no question: .*\n", capsys.readouterr().err)
    assert run(documents, tmp_path / "none", answers, "--index", tmp_path / ".rag") == 2


def test_nightly_takes_lines_as_json_has_them(
    tmp_path: Path, documents: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, answers = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    # A line separator within a text ends no line of a file.
    asked.write_bytes('\ufeff{"question": "When does\u2028the ferry leave?"}\r\n'.encode())
    options = ("--index", tmp_path / ".rag", "--pipeline", "bm25")
    assert run(documents, asked, answers, *options) == 0
    assert "nine" in answers.read_text()
    capsys.readouterr()
    asked.write_bytes(b'{"question": "Who?"}\n{"question": "caf\xe9?"}\n')
    assert run(documents, asked, answers, *options) == 2
    assert "questions.jsonl:2: no question" in capsys.readouterr().err


def test_nightly_runs_as_a_command(tmp_path: Path, documents: Path) -> None:
    asked, answers = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    asked.write_text('{"question": "When does the ferry leave?"}')
    program = ROOT / "examples" / "nightly.py"
    options = ("--index", tmp_path / ".rag", "--pipeline", "bm25")
    command = [sys.executable, *map(str, (program, documents, asked, answers, *options))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "nine" in answers.read_text()


def test_every_example_is_told_of() -> None:
    page = (ROOT / "examples" / "README.md").read_text("utf-8")
    names = {file.name for file in (ROOT / "examples").glob("*.py")}
    assert {name for name in names if f"`{name}`" not in page} == set()
