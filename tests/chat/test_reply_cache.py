"""Replies kept on disk: by the model and the messages, for several processes, and never fatal."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from chat_server import ChatServer, ok, status, told
from hypothesis import given
from hypothesis import strategies as st

from rag.chat.asking import Asker, Settings
from rag.chat.cache import ReplyCache, key_of
from rag.chat.openai import OpenAIChat
from rag.errors import ChatError
from rag.tracing import question
from rag.types import Message, Reply

ASKED = [Message("user", "Who lit the lamp?")]
KEY = key_of("model", ASKED, choices=False)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(told(str.upper)) as running:
        yield running


def asker(server: ChatServer, folder: Path, **options: float) -> Asker:
    model = OpenAIChat(model="m", base_url=server.url, **options)  # type: ignore[arg-type]
    return Asker(model, cache=ReplyCache(folder))


def test_what_is_known_is_not_asked_again(server: ChatServer, tmp_path: Path) -> None:
    other = [Message("user", "And who climbs?")]
    with question() as asked:
        first = asker(server, tmp_path).ask_all([ASKED, ASKED, other])
        assert asked.calls == 3
        assert asker(server, tmp_path).ask_all([other, ASKED]) == [first[2], first[0]]
        assert asked.calls == 3
    assert len(server.requests) == 3


def test_a_folder_that_cannot_be_looked_into_costs_nothing(
    server: ChatServer, tmp_path: Path
) -> None:
    with question() as asked:
        assert asker(server, tmp_path / ("x" * 300)).ask(ASKED) == Reply("WHO LIT THE LAMP?")
        (read, written) = asked.take_notes()
    assert read.startswith("replies cannot be read: the cache '")
    assert written.startswith("replies cannot be written: the cache '")


def test_only_what_is_missing_is_asked(server: ChatServer, tmp_path: Path) -> None:
    asker(server, tmp_path).ask(ASKED)
    texts = ["a", "b", ASKED[0].text, "c"]
    answers = asker(server, tmp_path).ask_all([[Message("user", text)] for text in texts])
    assert answers == [Reply(text.upper()) for text in texts]
    assert sorted(one.prompt for one in server.requests[1:]) == ["a", "b", "c"]


def test_another_model_or_another_wish_is_asked(server: ChatServer, tmp_path: Path) -> None:
    asker(server, tmp_path).ask(ASKED)
    asker(server, tmp_path, max_tokens=9).ask(ASKED)
    asker(server, tmp_path).ask(ASKED, choices=True)
    asker(server, tmp_path).ask([Message("system", ASKED[0].text)])
    assert len(server.requests) == 4


def test_replies_by_chance_are_not_kept(server: ChatServer, tmp_path: Path) -> None:
    for _ in range(2):
        asker(server, tmp_path, temperature=0.7).ask(ASKED)
    assert len(server.requests) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kept", "requests"), [(True, 1), (False, 2)])
def test_the_setting_decides(server: ChatServer, tmp_path: Path, kept: bool, requests: int) -> None:
    model = OpenAIChat(model="m", base_url=server.url, temperature=0.7 if kept else 0)
    for _ in range(2):
        Asker(model, Settings(cache=kept), ReplyCache(tmp_path)).ask(ASKED)
    assert len(server.requests) == requests


def test_a_model_that_does_not_say_is_asked_each_time(tmp_path: Path) -> None:
    class Silent:
        fingerprint = "silent"
        calls = 0

        def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
            self.calls += 1
            return Reply("yes")

    model = Silent()
    for _ in range(2):
        Asker(model, cache=ReplyCache(tmp_path)).ask(ASKED)
    assert model.calls == 2


def test_failures_are_not_kept(tmp_path: Path) -> None:
    with ChatServer(status(400), ok("yes")) as server:
        with pytest.raises(ChatError):
            asker(server, tmp_path).ask(ASKED)
        assert asker(server, tmp_path).ask(ASKED) == Reply("yes")


def test_the_user_s_folder_of_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ReplyCache().keep({KEY: Reply("yes")})
    path = tmp_path / "ragline" / "chat" / "replies.db"
    assert ReplyCache().path == path
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert ASKED[0].text.encode() not in path.read_bytes()


@given(
    st.text(),
    st.lists(st.dictionaries(st.text(), st.floats(max_value=0, allow_nan=False), max_size=3)),
)
def test_replies_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, text: str, choices: list[dict[str, float]]
) -> None:
    cache = ReplyCache(tmp_path_factory.mktemp("cache"))
    reply = Reply(text, tuple(choices))
    cache.keep({KEY: reply})
    assert cache.known([KEY, b"other"]) == {KEY: reply}


def test_keys_differ_wherever_messages_do() -> None:
    one, two = Message("user", "a"), Message("user", "b")
    keys = {
        key_of(model, messages, choices=choices)
        for model in ("m", "n")
        for messages in ([], [one], [two], [one, two], [Message("system", "a")])
        for choices in (True, False)
    }
    assert len(keys) == 20


def test_the_oldest_go(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path, max_bytes=200_000)
    keys = [key_of(str(number), ASKED, choices=False) for number in range(60)]
    for key in keys:
        cache.keep({key: Reply("x" * 10_000)})
    known = cache.known(keys)
    assert 5 <= len(known) <= 20
    assert list(known) == keys[-len(known) :]
    assert cache.path.stat().st_size < 400_000


def test_a_reply_larger_than_the_cache(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path, max_bytes=50_000)
    cache.keep({KEY: Reply("x" * 100_000)})
    assert cache.known([KEY]) == {}


@pytest.mark.parametrize("damage", ["bytes", "table", "json", "shape", "folder"])
def test_a_damaged_cache_costs_a_note(server: ChatServer, tmp_path: Path, damage: str) -> None:
    asker(server, tmp_path).ask(ASKED)
    path = ReplyCache(tmp_path).path
    if damage in {"bytes", "folder"}:
        for one in tmp_path.iterdir():
            one.unlink()
        path.mkdir() if damage == "folder" else path.write_bytes(b"no database" * 1000)
    else:
        with closing(sqlite3.connect(path)) as database, database:
            if damage == "table":
                database.execute("ALTER TABLE replies DROP COLUMN reply")
            else:
                broken = {"json": '{"text": "WH', "shape": '{"text": "a", "choices": [1]}'}
                database.execute("UPDATE replies SET reply = ?", (broken[damage],))
    with question() as asked:
        assert asker(server, tmp_path).ask(ASKED) == Reply("WHO LIT THE LAMP?")
        notes = asked.take_notes()
    assert len(server.requests) == 2
    assert notes
    assert all(str(path) in note and "\n" not in note for note in notes)


def test_a_folder_that_cannot_be_made_costs_a_note(server: ChatServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with question() as asked:
        asker(server, tmp_path / "file" / "inside").ask(ASKED)
        (note,) = asked.take_notes()
    assert note.startswith("replies cannot be written: the cache ")


def test_several_processes_share_one(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from rag.chat.cache import ReplyCache
from rag.tracing import question
from rag.types import Reply
cache = ReplyCache(Path(sys.argv[1]))
with question() as asked:
    for number in range(40):
        cache.keep({f"{sys.argv[2]}-{number}".encode(): Reply(sys.argv[2])})
    print(*asked.take_notes())
"""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    assert [process.communicate(timeout=60)[0].strip() for process in running] == [""] * 3
    keys = [f"{process}-{number}".encode() for process in range(3) for number in range(40)]
    assert len(ReplyCache(tmp_path).known(keys)) == 120
