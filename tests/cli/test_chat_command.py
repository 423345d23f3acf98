"""`rag chat`: a conversation, typed or written by a script."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from chat_server import Behaviour, ChatServer, told
from chat_server import status as refused
from cli_command import Command, Result, process, write_documents
from spoken_answers import write_plugin
from terminal import Terminal

from rag import Answer, Citation, Rag
from rag.cli.conversation import Conversation
from rag.cli.main import main
from rag.cli.saving import save
from rag.errors import RequestError

SPOKEN = ("--set", "answer={use: spoken}")
ASKED = "How long is the notice period?"
SAID = "The notice period is three months."
ADVICE = "rag: follow-ups are searched as they are typed"
ABSTAINED = "The documents don't answer this."


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


class Talk:
    """What a script's lines come to."""

    def __init__(self, rag: Command, patch: pytest.MonkeyPatch) -> None:
        self._rag = rag
        self._patch = patch

    def __call__(self, *lines: str, options: Sequence[str | Path] = ()) -> Result:
        return self.written("\n".join(lines).encode(), *options)

    def written(self, content: bytes, *options: str | Path) -> Result:
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        return self._rag("chat", *options)


@pytest.fixture
def talked(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Talk:
    monkeypatch.chdir(project)
    return Talk(Command(capsys), monkeypatch)


def spoken(project: Path, plugin: str, *lines: str) -> Result:
    """The same of the plug-in, in a process that finds it."""
    stdin = "\n".join(lines).encode()
    return process(project, "chat", *SPOKEN, stdin=stdin, PYTHONPATH=plugin)


def rewriting(folder: Path, server: ChatServer) -> str:
    """A pipeline file whose follow-ups `server` rewrites."""
    model = f"{{use: openai, model: scripted, base_url: '{server.url}/v1'}}"
    path = folder / "rewriting.yaml"
    path.write_text(
        "name: rewriting\n"
        "index:\n  chunk: {use: fixed}\n  lexical: {use: bm25, language: auto}\nquery:\n"
        f"  - rewrite: {{use: conversation, model: {model}, cache: false, retries: 0}}\n"
        "  - retrieve: {use: bm25, k: 100}\n  - cut: {k: 8}\n"
    )
    return str(path)


def test_a_script_asks_and_looks_closer(talked: Talk, tmp_path: Path) -> None:
    kept = tmp_path / "my talk.md"
    ended = talked(
        ASKED, "", "   ", "/sources", "/why", f"/save {kept}", "/quit", "What is not read?"
    )
    assert (ended.code, ended.err) == (0, f"rag: saved in {kept}\n")
    where = "[1] docs/handbook.md, Staff handbook > Leaving"
    lines = ended.out.splitlines()
    assert lines[:5] == [SAID, "", where, "", f'{where}: "{SAID}"']
    assert lines[5:7] == [f"question:  {ASKED}", "pipeline:  bm25"]
    assert [line.split()[:2] for line in lines[7:]] == [
        ["retrieve", "bm25"],
        ["cut", "0.0"],
        ["answer", "extractive"],
        ["supported", "1.00"],
    ]
    assert kept.read_text() == (
        f"# Conversation\n\n## {ASKED}\n\n{SAID}\n\n"
        f'- \\[1\\] docs/handbook.md, Staff handbook &gt; Leaving: "{SAID}"\n'
    )


def test_wrong_lines_do_not_end_it(talked: Talk, tmp_path: Path) -> None:
    kept = tmp_path / "talk.json"
    ended = talked(
        "/srouces", "/sources", "/why", "/open", "/open two", "/save", f"/save {kept}",
        "x" * 100_000, "/home/ada/ferry", ASKED, "/open 7", f"/save {kept}", f"/save {kept}",
        f"/save! {kept}", f"/save {tmp_path}", f"/save {tmp_path}/no/talk.md", "/clear", "/sources",
    )  # fmt: skip
    assert ended.code == 1
    expected = [
        "no command named '/srouces'; did you mean '/sources'? (taken: ",
        "there is no answer yet: ask something first",
        "there is no answer yet: ask something first",
        "there is no answer yet: ask something first",
        "/open takes the number of a source, not 'two'",
        "/save takes the name of a file",
        "there is nothing to save: no question was answered yet",
        "the question has 100,000 characters; up to 20,000 are taken",
        "follow-ups are searched as they are typed",
        "there is no source 7: the answer cites 1 source",
        f"saved in {kept}",
        f"{kept}: it exists; '/save! {kept}' replaces it",
        f"saved in {kept}",
        f"{tmp_path}: it is no ordinary file: name another one",
        f"{tmp_path}/no/talk.md: it cannot be written: No such file or directory",
        "the conversation is forgotten",
        "there is no answer yet: ask something first",
    ]
    for line, message in zip(ended.err.splitlines(), expected, strict=True):
        assert line.startswith(f"rag: {message}")
    assert list(tmp_path.iterdir()) == [kept]
    shape = json.loads(kept.read_text())
    assert (shape["version"], shape["pipeline"]) == (1, "bm25")
    first, second = shape["answers"]
    assert (first["question"], first["abstained"]) == ("/home/ada/ferry", True)
    assert (second["question"], second["answer"], second["standalone"]) == (ASKED, SAID, None)
    assert second["citations"][0]["source"] == "docs/handbook.md"


def test_follow_ups_are_rewritten_with_what_was_said(talked: Talk, tmp_path: Path) -> None:
    with ChatServer(told(lambda prompt: "Which lamp did the bishop bless?")) as server:
        pipeline = ("--pipeline", rewriting(tmp_path, server))
        ended = talked(
            ASKED,
            "Who blessed it?",
            "/why",
            "And again?",
            options=(*pipeline, "--turns", "1"),
        )
        prompts = [request.prompt for request in server.requests]
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"{SAID}\n")
    assert "question:  Who blessed it?\nalone:     Which lamp did the bishop bless?\n" in ended.out
    assert "abstained: score " in ended.out
    assert len(prompts) == 2  # the first question has no history
    assert f"user: {ASKED}\nassistant: {SAID}" in prompts[0]
    # An abstention is said, too; of the turns before it none is left.
    assert f"user: Who blessed it?\nassistant: {ABSTAINED}" in prompts[1]
    assert ASKED not in prompts[1]


def test_without_turns_there_are_no_follow_ups(talked: Talk, tmp_path: Path) -> None:
    with ChatServer(told(lambda prompt: "What?")) as server:
        options = ("--pipeline", rewriting(tmp_path, server), "--turns", "0")
        ended = talked(ASKED, ASKED, options=options)
        assert server.requests == []
    assert (ended.code, ended.out.count(f"{SAID}\n")) == (0, 2)


@pytest.mark.parametrize("behaviour", [refused(500), told(lambda prompt: "")])
def test_a_rewriter_that_fails_is_told_each_time(
    talked: Talk, tmp_path: Path, behaviour: Behaviour
) -> None:
    with ChatServer(behaviour) as server:
        options = ("--pipeline", rewriting(tmp_path, server))
        ended = talked(ASKED, ASKED, ASKED, options=options)
    assert (ended.code, ended.out.count(f"{SAID}\n")) == (0, 3)
    assert ended.err.count("rag: warning: rewriter 'conversation' failed: ") == 2
    assert ended.err.count("\n") == 2


def test_what_breaks_off_is_not_remembered(project: Path, plugin: str, tmp_path: Path) -> None:
    kept = tmp_path / "talk.json"
    lines = ["ferry", "ferry break", "ferry fail", "ferry", "/why", f"/save {kept}"]
    ended = spoken(project, plugin, *lines)
    assert ended.code == 1
    advice, broken, warned, saved = ended.err.splitlines()
    assert advice.startswith(ADVICE)
    assert broken == "rag: the model server broke off"
    assert warned == "rag: warning: spoken: the statements could not be checked"
    assert saved == f"rag: saved in {kept}"
    assert ended.out.count('Not supported: "She can fly."') == 3
    assert ended.out.endswith(
        '  supported 0.90 by [1]: "The ferry carries ninety people [1]."\n'
        '  not supported 0.10: "She can fly." (no passage says that she flies)\n'
    )
    shape = json.loads(kept.read_text())
    assert [one["question"] for one in shape["answers"]] == ["ferry", "ferry fail", "ferry"]


def test_bytes_that_are_no_text_and_marks_that_steer(talked: Talk) -> None:
    line = b"\xef\xbb\xbfHow long is the \x1bnotice\x00 period\xff\xe2\x80\xae?\r\n"
    ended = talked.written(line)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(SAID)


def test_nothing_to_talk_with(talked: Talk) -> None:
    absent = talked(ASKED, options=("--index", "nowhere"))
    assert (absent.code, absent.out) == (2, "")
    assert absent.err == "rag: no index in 'nowhere': run 'rag index FOLDER' first\n"
    other = talked(ASKED, ASKED, options=("--pipeline", "dense"))
    assert (other.code, other.out, other.err.count("\n")) == (2, "", 1)
    assert "was made by another pipeline" in other.err
    silent = talked.written(b"")
    assert (silent.code, silent.out, silent.err) == (0, "", "")


def test_what_is_saved_is_shown_as_it_is(project: Path, tmp_path: Path) -> None:
    rag = Rag.open(project / ".rag")
    conversation = Conversation(rag, (), 6)
    with pytest.raises(RequestError, match="nothing to save"):
        save(conversation, str(tmp_path / "talk.md"), replace=False)
    stolen = "Look: ![x](https://evil.example/?q=secret) <img src='https://evil.example'> **a**"
    cited = Citation("d", "d.md", 0, 1, "[y](javascript:z) <b>\ud800")
    conversation.answers.append(Answer("# who\n<i>", stolen, False, (cited,)))
    text = save(conversation, str(tmp_path / "talk.md"), replace=False).read_text()
    assert "![" not in text and "<" not in text
    assert "## \\# who &lt;i&gt;\n" in text and "**a**" in text
    assert "\\[y\\](javascript:z) &lt;b&gt;?" in text
    rag.close()


def test_at_a_terminal(project: Path, plugin: str) -> None:
    with Terminal(project, "chat", *SPOKEN, PYTHONPATH=plugin) as screen:
        assert "3 documents; /help lists commands" in screen.until("> ")
        screen.press("ferry wait\n")
        screen.until("The ferry ")
        time.sleep(0.1)
        screen.press("\x03")
        screen.until("rag: stopped; the conversation goes on\n> ")
        screen.press("ferry x\x7fthink\n")  # a line is edited
        assert "answering" in screen.until("carries ninety people [1]. She can fly.")
        screen.until("> ")
        screen.press("\x1b[A\x1b[A\n")  # lines are called back, this one the first
        screen.until("The ferry ")
        screen.press("\x03")
        screen.until("> ")
        screen.press("/why\n")
        assert "question:  ferry think" in screen.until("> ")  # what was stopped is forgotten
        screen.press("\x04")
        assert screen.ended() == 0


def test_ctrl_c_at_the_prompt_ends_it(project: Path) -> None:
    with Terminal(project, "chat") as screen:
        screen.until("> ")
        screen.press("half a que")
        screen.until("half a que")
        time.sleep(0.1)  # what comes before the line is waited for is not noticed
        screen.press("\x03")
        assert screen.ended() == 130
    assert screen.seen.endswith("rag: stopped\n")
    assert "Traceback" not in screen.seen
