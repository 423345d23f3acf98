"""`rag ask`: text as it comes, sources that open, and questions of every kind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import ChatServer, stream_gated
from cli_command import RAG, Command, environment, process, write_documents
from spoken_answers import write_plugin
from terminal import Terminal

from rag import Citation, Rag
from rag.cli.main import main
from rag.cli.opening import open_source
from rag.errors import RequestError
from rag.types import Document, Item

SPOKEN = ("--set", "answer={use: spoken}")
ANSWER = "The ferry carries ninety people [1]. She can fly."
ASKED = "How long is the notice period?"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index; the tests of this module only read it."""
    folder = tmp_path_factory.mktemp("project")
    docs = write_documents(folder)
    assert main(["index", str(docs), "--index", str(folder / ".rag"), "--pipeline", "bm25"]) == 0
    return folder


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_plugin(tmp_path_factory.mktemp("plugin")))


@pytest.fixture
def rag(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.chdir(project)
    return Command(capsys)


@pytest.fixture
def opener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the system's opener writes what it was to open."""
    programs, told = tmp_path / "programs", tmp_path / "told"
    programs.mkdir()
    for name in ("xdg-open", "open"):
        program = programs / name
        program.write_text(
            f'#!/bin/sh\necho "$@" >> "{told}"\ncase "$1" in *boats*) exit 3;; esac\n'
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    return told


def started(project: Path, plugin: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*RAG, "ask", *arguments, *SPOKEN],
        cwd=project,
        env=environment(PYTHONPATH=plugin),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_text_comes_as_it_is_made_and_ctrl_c_ends_it(project: Path, plugin: str) -> None:
    with started(project, plugin, "ferry wait") as asked:
        assert asked.stdout is not None and asked.stderr is not None
        assert os.read(asked.stdout.fileno(), 100) == b"The ferry "
        asked.send_signal(signal.SIGINT)
        assert asked.wait(30) == 130
        assert asked.stdout.read() == b"\n"
        assert asked.stderr.read() == b"rag: stopped\n"


def test_a_chat_models_words_are_shown_while_it_speaks(project: Path) -> None:
    gate = threading.Event()
    pieces = ["The ferry Aurelia carries ninety passengers [1]. ", "She was "]
    with ChatServer(stream_gated(pieces, gate, ["built in Leith [1]."])) as server:
        model = f"{{use: openai, model: scripted, base_url: '{server.url}/v1'}}"
        answer = f"answer={{use: chat, model: {model}, cache: false}}"
        with subprocess.Popen(
            [*RAG, "ask", "How many passengers does the ferry carry?", "--set", answer],
            cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as asked:  # fmt: skip
            assert asked.stdout is not None and asked.stderr is not None
            shown = os.read(asked.stdout.fileno(), 100)
            gate.set()
            assert shown.startswith(b"The ferry Aurelia")
            assert (asked.wait(60), asked.stderr.read()) == (0, b"")
            rest = asked.stdout.read().decode()
    assert "built in Leith" in rest and "[1] docs/boats.txt: " in rest


def test_an_answer_that_breaks_off(project: Path, plugin: str) -> None:
    asked = process(project, "ask", "ferry break", *SPOKEN, PYTHONPATH=plugin)
    assert (asked.code, asked.out) == (2, "The ferry \n")
    assert asked.err == "rag: the model server broke off\n"


def test_a_reader_that_leaves_in_the_middle(project: Path, plugin: str) -> None:
    with started(project, plugin, "ferry think") as asked:
        assert asked.stdout is not None and asked.stderr is not None
        asked.stdout.close()
        assert asked.wait(30) == 1
        assert asked.stderr.read() == b""


def test_what_is_not_supported_and_what_failed_is_told(project: Path, plugin: str) -> None:
    asked = process(project, "ask", "ferry fail", *SPOKEN, PYTHONPATH=plugin)
    text, empty, source, unsupported = asked.out.splitlines()
    assert (asked.code, text, empty) == (0, ANSWER, "")
    assert source.startswith('[1] docs/boats.txt: "The ferry Aurelia')
    assert unsupported == 'Not supported: "She can fly." (no passage says that she flies)'
    assert asked.err == "rag: warning: spoken: the statements could not be checked\n"
    shape = process(project, "ask", "ferry", "--json", *SPOKEN, PYTHONPATH=plugin).json
    assert shape["answer"] == ANSWER
    assert [one["supported"] for one in shape["statements"]] == [True, False]
    assert shape["statements"][0]["citations"] == [0]


def test_a_terminal_says_what_goes_on_until_there_is_text(project: Path, plugin: str) -> None:
    with Terminal(project, "ask", "ferry think", *SPOKEN, PYTHONPATH=plugin) as screen:
        assert "answering" in screen.until("The ferry ")
        assert screen.ended() == 0
    assert ANSWER in screen.seen
    assert "answering" not in screen.seen.partition("The ferry ")[2]


@pytest.mark.parametrize(
    "arguments",
    [[ASKED, "--open"], ["--open", ASKED], ["--open", "1", ASKED], [ASKED, "--open", "1"]],
)
def test_a_source_is_opened(
    rag: Command, project: Path, opener: Path, arguments: list[str]
) -> None:
    asked = rag("ask", *arguments)
    assert (asked.code, asked.err) == (
        0,
        "rag: opened docs/handbook.md, Staff handbook > Leaving\n",
    )
    assert asked.out.startswith("The notice period is three months.\n")
    assert opener.read_text() == f"{project}/docs/handbook.md\n"


def test_a_source_that_is_not_there_is_not_opened(
    rag: Command, opener: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = rag("ask", ASKED, "--open", "2")
    assert (asked.code, asked.err) == (1, "rag: there is no source 2: the answer cites 1 source\n")
    asked = rag("ask", "Which bishop blessed a bicycle?", "--open", "--json")
    assert (asked.code, asked.err) == (1, "rag: nothing is opened: the answer cites no source\n")
    assert asked.json["abstained"] is True
    assert rag("ask", ASKED, "--open", "0").code == 2
    assert rag("ask", "--", "--open").code == 0  # it is the question there
    assert not opener.exists()
    monkeypatch.setenv("PATH", "/nowhere")
    asked = rag("ask", ASKED, "--open")
    assert asked.code == 1
    assert asked.out.startswith("The notice period is three months.\n")
    assert "to open it: " in asked.err and asked.err.endswith("/docs/handbook.md\n")


def test_a_file_that_went_away_or_is_stale(
    project: Path, tmp_path: Path, opener: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rag = Command(capsys)
    shutil.copytree(project, tmp_path / "copy")
    index = tmp_path / "copy" / ".rag"
    handbook = tmp_path / "copy" / "docs" / "handbook.md"
    text = handbook.read_bytes()
    handbook.write_bytes(b"\0\1\2" * 100)
    assert rag("index", tmp_path / "copy" / "docs", "--index", index).code == 1
    asked = rag("ask", ASKED, "--index", index, "--open")
    assert asked.code == 0
    assert "an earlier version: it could not be read since" in asked.out
    assert "warning: docs/handbook.md: an earlier version: it could" in asked.err.splitlines()[1]
    handbook.write_bytes(text)
    handbook.unlink()
    asked = rag("ask", ASKED, "--index", index, "--open")
    assert asked.code == 1
    assert asked.err.startswith("rag: docs/handbook.md: no such file any more")


@pytest.mark.parametrize(
    ("source", "page", "handed"),
    [
        ("https://harbour.example/guide.html", None, "https://harbour.example/guide.html"),
        ("http://harbour.example/dues.pdf", 3, "http://harbour.example/dues.pdf#page=3"),
        ("docs/handbook.md", None, "{base}/docs/handbook.md"),
    ],
)
def test_what_the_opener_is_handed(
    project: Path, opener: Path, source: str, page: int | None, handed: str
) -> None:
    told = open_source(Citation("x", source, 0, 1, "x", page=page), project)
    assert told.startswith(f"opened {source}")
    assert opener.read_text() == handed.format(base=project) + "\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("javascript:alert(1)", "neither a file nor a web page"),
        ("file:///etc/passwd", "neither a file nor a web page"),
        ("ftp://harbour.example/x.pdf", "neither a file nor a web page"),
        ("mail:box.mbox#3", "neither a file nor a web page"),
        ("https:///nowhere.html", "neither a file nor a web page"),
        ("https://harbour.example/ -x", "no valid address"),
        ("https://harbour.example/\x1b[2J", "no valid address"),
        ("docs/run.sh", "not opened, as some systems run files that end in '.sh'"),
        ("docs/linked.md", "not opened, as some systems run files that end in '.sh'"),
        ("docs/LICENSE", "not opened, as some systems run files without a suffix"),
        ("docs/boats.txt/inner.md", "it lies inside '"),
        ("docs/gone.md", "docs/gone.md: no such file any more; 'rag index'"),
        ("docs", "docs: no such file any more"),
        ("docs/boats.txt", "cannot open it (exit code 3): "),
    ],
)
def test_what_is_not_opened(tmp_path: Path, opener: Path, source: str, message: str) -> None:
    docs = write_documents(tmp_path)
    (docs / "run.sh").write_text("echo run")
    (docs / "LICENSE").write_text("free")
    (docs / "linked.md").symlink_to(docs / "run.sh")
    with pytest.raises(RequestError) as refused:
        open_source(Citation("x", source, 0, 1, "x"), tmp_path)
    assert message in str(refused.value)
    assert "\x1b" not in str(refused.value) and "\n" not in str(refused.value)
    assert opener.exists() == ("exit code" in message)


@pytest.mark.parametrize("question", ["?", "x", "срок уведомления", "通知期間", "🚢", "a\tb"])
def test_questions_that_say_little_are_answered_or_not(rag: Command, question: str) -> None:
    asked = rag("ask", question)
    assert (asked.code, asked.err) == (0, "")
    assert asked.out.startswith("The documents don't answer this.\n")


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("   ", "the question is empty"),
        ("\x00\x07\x1b", "the question is empty"),
        ("\u202e \n", "the question is empty"),
        ("a" * 100_000, "the question has 100,000 characters; up to 20,000 are taken"),
    ],
)
def test_questions_that_are_none(rag: Command, question: str, message: str) -> None:
    asked = rag("ask", question)
    assert (asked.code, asked.out, asked.err) == (2, "", f"rag: {message}\n")


def test_an_index_that_cannot_answer(rag: Command, project: Path, tmp_path: Path) -> None:
    assert "no index in 'nowhere': run" in rag("ask", ASKED, "--index", "nowhere").err
    other = rag("ask", ASKED, "--pipeline", "dense")
    assert (other.code, other.out) == (2, "")
    assert "was made by another pipeline" in other.err and other.err.count("\n") == 1
    shutil.copytree(project / ".rag", tmp_path / ".rag")
    assert rag("remove", "docs", "--index", tmp_path / ".rag").code == 0
    empty = rag("ask", ASKED, "--index", tmp_path / ".rag")
    assert (empty.code, empty.out) == (0, "The documents don't answer this.\n")
    assert "holds no documents yet: run 'rag index FOLDER'" in empty.err


class Halting:
    """A connector whose second document waits until it is let go."""

    def __init__(self) -> None:
        self.waits, self.go_on = threading.Event(), threading.Event()

    def items(self) -> Iterator[Item]:
        yield Item("one", "one.txt", "1", lambda: Document("one", "one.txt", "The lamp is amber."))
        yield Item("two", "two.txt", "1", self._load)

    def covers(self, source: str) -> bool:
        return source in {"one.txt", "two.txt"}

    def _load(self) -> Document:
        self.waits.set()
        assert self.go_on.wait(60)
        return Document("two", "two.txt", "The winch is greased.")


def test_asking_while_the_index_is_built(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rag, new = Command(capsys), tmp_path / "new"
    shutil.copytree(project / ".rag", tmp_path / "old")
    for folder in (new, tmp_path / "old"):
        halting = Halting()
        builder = Rag.open(folder, pipeline="bm25")
        building = threading.Thread(target=builder.index, args=(halting,))
        building.start()
        try:
            assert halting.waits.wait(60)
            asked = rag("ask", ASKED, "--index", folder)
        finally:
            halting.go_on.set()
            building.join()
            builder.close()
        assert asked.code == 0
        if folder == new:
            assert "holds no documents yet" in asked.err
        else:
            assert asked.out.startswith("The notice period is three months.\n")
    assert rag("ask", "Is the lamp amber?", "--index", new).out.startswith("The lamp is")
