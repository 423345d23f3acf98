"""Streams asked for within limits: time, calls, retries, size; and closed early."""

from __future__ import annotations

import contextvars
import gc
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from chat_server import (
    Behaviour,
    ChatServer,
    closed_port,
    megabyte,
    ok,
    refusal,
    slow,
    status,
    stream,
    stream_cut,
    stream_drip,
    stream_endless,
    stream_error,
    stream_garbage,
    stream_gated,
    stream_raw,
    stream_stalled,
    stream_told,
)

from rag.chat.asking import Asker, Settings
from rag.chat.cache import ReplyCache
from rag.chat.ollama import OllamaChat
from rag.chat.openai import OpenAIChat
from rag.errors import ChatError, ModelError
from rag.tracing import Question, question, under_way
from rag.types import Message, Reply

QUICK = Settings(timeout=10, deadline=30, cache=False, backoff=0.01)
HURRIED = replace(QUICK, timeout=0.4, deadline=5)
ASKED = [Message("user", "Who lit the lamp?")]


@pytest.fixture(params=[OpenAIChat, OllamaChat], ids=["openai", "ollama"])
def chat(request: pytest.FixtureRequest) -> Callable[..., Any]:
    made: Callable[..., Any] = request.param
    return made


def streamed(
    model: Any, settings: Settings = QUICK, cache: ReplyCache | None = None
) -> Generator[str]:
    return cast("Generator[str]", Asker(model, settings, cache).stream(ASKED))


def failing(model: Any, settings: Settings = QUICK) -> tuple[list[str], ChatError]:
    """The pieces before the error, and the error."""
    told: list[str] = []
    with pytest.raises(ChatError) as caught:
        for piece in streamed(model, settings):
            told.append(piece)
    return told, caught.value


def soon(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether something comes to hold."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


class Streaming:
    """A model in this process that streams what it is told to, and notes that it was closed."""

    fingerprint = "streaming"

    def __init__(self, made: Callable[[], Iterator[Any]]) -> None:
        self.made = made
        self.seconds: list[float | None] = []
        self.ended = threading.Event()

    def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
        return Reply("not asked for")

    def stream(self, messages: Sequence[Message], seconds: float | None = None) -> Iterator[Any]:
        self.seconds.append(seconds)
        try:
            yield from self.made()
        finally:
            self.ended.set()


def test_pieces_come_as_they_are_told(chat: Callable[..., Any]) -> None:
    gate = threading.Event()
    with ChatServer(stream_gated(["The"], gate, [" keeper", "."])) as server, question() as asked:
        pieces = streamed(chat(model="m", base_url=server.url))
        assert server.requests == []
        assert next(pieces) == "The"
        assert not gate.is_set()
        gate.set()
        assert list(pieces) == [" keeper", "."]
        assert asked.calls == 1
        assert asked.take_notes() == ()


def test_a_model_that_does_not_stream_gives_one_piece() -> None:
    class Plain:
        fingerprint = "plain"

        def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
            return Reply("The keeper.")

    with question() as asked:
        assert list(streamed(Plain())) == ["The keeper."]
        assert asked.calls == 1


def test_a_server_that_does_not_stream_gives_one_piece(chat: Callable[..., Any]) -> None:
    with ChatServer(ok("The keeper.")) as server:
        assert list(streamed(chat(model="m", base_url=server.url))) == ["The keeper."]


def test_a_model_s_own_failure_to_reply() -> None:
    class Mute:
        fingerprint = "mute"

        def __init__(self, said: Reply | Exception) -> None:
            self.said = said

        def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
            if isinstance(self.said, Exception):
                raise self.said
            return self.said

    for said in (Reply(" "), Reply("", ({"a": 0.0},)), KeyError("x")):
        told, error = failing(Mute(said))
        assert told == []
        assert "empty text" in str(error) or "failed: KeyError" in str(error)


@pytest.mark.parametrize(
    ("behaviour", "requests", "words"),
    [
        (status(429, "0"), 3, "429 Too Many Requests"),
        (status(500), 3, "500 Internal Server Error"),
        (stream_cut([]), 3, "broke off"),
        (stream_error([], {"message": "busy", "code": 503}), 3, "tells of an error: busy"),
        (stream_garbage([], b"data: {oops\n\n"), 3, "no JSON"),
        (stream_raw(b"<!doctype html><p>Hello", kind="text/html"), 3, "a page, and no reply"),
        (stream([]), 1, "empty text"),
        (refusal(), 1, ""),
        (megabyte(), 1, "more than 1,000,000"),
        (status(404), 1, "404 Not Found"),
    ],
)
def test_failures_before_the_first_piece(
    chat: Callable[..., Any], behaviour: Behaviour, requests: int, words: str
) -> None:
    with ChatServer(behaviour) as server, question() as asked:
        told, error = failing(chat(model="m", base_url=server.url))
        notes = asked.take_notes()
    assert told == []
    assert words in str(error)
    assert len(server.requests) == requests == asked.calls
    assert [note for note in notes if note.startswith("no reply: ") and words in note]
    again = [note for note in notes if note.startswith("asked again: ")]
    assert [note.endswith("(2 times)") for note in again] == ([True] if requests == 3 else [])


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (stream_cut(["The"]), "broke off"),
        (stream_cut(["The"], ended=True), "broke off before the end"),
        (stream_error(["The"], {"message": "busy", "code": 503}), "tells of an error: busy"),
        (stream_garbage(["The"], b"data: {oops\n\n"), "no JSON"),
    ],
)
def test_nothing_is_asked_again_after_the_first_piece(
    chat: Callable[..., Any], behaviour: Behaviour, words: str
) -> None:
    with ChatServer(behaviour) as server, question() as asked:
        told, error = failing(chat(model="m", base_url=server.url))
        (note,) = asked.take_notes()
    assert told == ["The"]
    assert words in str(error)
    assert len(server.requests) == 1
    assert note.startswith(f"no whole reply: chat model 'm' at {server.url} ")
    assert words in note


def test_a_server_that_recovers(chat: Callable[..., Any]) -> None:
    behaviours = (status(500), stream_cut([]), stream(["yes"]))
    with ChatServer(*behaviours) as server, question() as asked:
        assert list(streamed(chat(model="m", base_url=server.url))) == ["yes"]
        assert asked.calls == 3
        notes = asked.take_notes()
    assert [note.partition(":")[0] for note in notes] == ["asked again", "asked again"]


def test_a_server_that_is_not_there(chat: Callable[..., Any]) -> None:
    told, error = failing(chat(model="m", base_url=closed_port()))
    assert told == []
    assert "cannot be reached" in str(error)


@pytest.mark.parametrize("behaviour", [slow(60), stream_drip()], ids=["slow", "drip"])
def test_silence_before_the_first_piece(chat: Callable[..., Any], behaviour: Behaviour) -> None:
    with ChatServer(behaviour) as server:
        started = time.monotonic()
        told, error = failing(chat(model="m", base_url=server.url), HURRIED)
        assert time.monotonic() - started < 4
    assert told == []
    assert str(error).startswith("the chat model told nothing for 0.4 s: raise 'timeout'")
    assert len(server.requests) == 3


def test_silence_between_pieces(chat: Callable[..., Any]) -> None:
    left = threading.Event()
    with ChatServer(stream_stalled(["The", " kee"], left)) as server:
        started = time.monotonic()
        told, error = failing(chat(model="m", base_url=server.url), HURRIED)
        assert time.monotonic() - started < 4
        assert left.wait(10)
    assert told == ["The", " kee"]
    assert str(error).startswith("the chat model told nothing for 0.4 s: raise 'timeout'")
    assert len(server.requests) == 1


@pytest.mark.parametrize("behaviour", [stream_endless("la ", 0.01), stream_stalled(["The"])])
def test_nobody_waits_past_the_deadline(chat: Callable[..., Any], behaviour: Behaviour) -> None:
    limits = replace(QUICK, timeout=30, deadline=0.6)
    with ChatServer(behaviour) as server, question() as asked:
        started = time.monotonic()
        told, error = failing(chat(model="m", base_url=server.url), limits)
        assert time.monotonic() - started < 3
        assert asked.take_notes() == (f"no whole reply: {error}",)
    assert told
    assert str(error).startswith("the deadline of 0.6 s for the chat model is over: raise")


def test_a_reply_without_end_is_cut(chat: Callable[..., Any]) -> None:
    with ChatServer(stream_endless("x" * 5000)) as server:
        told, error = failing(chat(model="m", base_url=server.url))
    assert sum(map(len, told)) <= 1_000_000
    assert "more than 1,000,000 characters" in str(error)
    assert not error.again


def test_models_without_end_or_pause_are_cut() -> None:
    def for_ever() -> Iterator[str]:
        while True:
            yield "x" * 1000

    def empty() -> Iterator[str]:
        while True:
            yield ""

    model = Streaming(for_ever)
    told, error = failing(model)
    assert sum(map(len, told)) == 1_000_000
    assert "more than 1,000,000 characters" in str(error)
    silent = Streaming(empty)
    told, error = failing(silent, replace(HURRIED, retries=0))
    assert told == []
    assert model.ended.wait(10)
    assert silent.ended.wait(10)


def test_a_model_that_keeps_to_no_time_is_left_alone() -> None:
    over = threading.Event()

    def deaf() -> Iterator[str]:
        yield "The"
        over.wait(30)
        yield " keeper"

    model = Streaming(deaf)
    started = time.monotonic()
    told, error = failing(model, replace(HURRIED, timeout=0.2))
    assert time.monotonic() - started < 3
    assert told == ["The"]
    assert "told nothing for 0.2 s" in str(error)
    over.set()
    assert model.ended.wait(10)  # its thread ends at the next piece


def test_a_slow_reader_gets_what_came_in_time() -> None:
    model = Streaming(lambda: iter("abc"))
    pieces = streamed(model, replace(QUICK, timeout=0.1, deadline=0.2))
    assert next(pieces) == "a"
    time.sleep(0.4)
    assert list(pieces) == ["b", "c"]


def test_models_get_the_seconds_to_the_deadline() -> None:
    model = Streaming(lambda: iter(["a"]))
    list(streamed(model, replace(QUICK, timeout=3, deadline=60)))
    (seconds,) = model.seconds
    assert seconds is not None
    assert 59 < seconds <= 60


def test_the_budget_is_the_question_s() -> None:
    model = Streaming(lambda: iter(["a"]))
    with question() as asked:
        for _ in range(2):
            assert list(streamed(model, replace(QUICK, budget=2))) == ["a"]
        told, error = failing(model, replace(QUICK, budget=2))
        assert told == []
        assert "budget of 2 calls" in str(error)
        assert asked.calls == 2
    with question():
        assert list(streamed(model, replace(QUICK, budget=1))) == ["a"]


def test_attempts_count_too() -> None:
    with ChatServer(status(503)) as server, question() as asked:
        model = OpenAIChat(model="m", base_url=server.url)
        _, error = failing(model, replace(QUICK, retries=9, budget=4, backoff=0.001))
        assert asked.calls == len(server.requests) == 4
    assert "budget of 4 calls" in str(error)


def test_the_server_says_how_long_to_wait() -> None:
    with ChatServer(status(429, "1"), stream(["yes"])) as server:
        started = time.monotonic()
        assert list(streamed(OpenAIChat(model="m", base_url=server.url))) == ["yes"]
        assert 1 <= time.monotonic() - started < 4
    with ChatServer(status(429, "3600")) as server:
        _, error = failing(OpenAIChat(model="m", base_url=server.url))
    assert "no time is left to ask again" in str(error)


def test_what_is_no_failure_of_a_call_is_raised() -> None:
    def failing_at(place: int) -> Callable[[], Iterator[str]]:
        def made() -> Iterator[str]:
            yield from ["a"] * place
            raise ModelError("no weights")

        return made

    for place in (0, 1):
        with pytest.raises(ModelError, match="no weights"):
            list(streamed(Streaming(failing_at(place))))


def _raising() -> Iterator[str]:
    yield "a"
    raise KeyError("x")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (_raising, "the chat model failed: KeyError: 'x'"),
        (lambda: iter(["a", None]), "gave a NoneType, and not a text"),
        (lambda: iter([b"a"]), "gave a bytes, and not a text"),
        (lambda: iter([" ", "\n"]), "empty text"),
        (lambda: iter([]), "empty text"),
        (lambda: None, "the chat model failed: TypeError"),
    ],
)
def test_models_of_any_kind(made: Callable[[], Any], words: str) -> None:
    _, error = failing(Streaming(made))
    assert words in str(error)


def test_a_list_will_do() -> None:
    class Listing:
        fingerprint = "listing"

        def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
            return Reply("not asked for")

        def stream(self, messages: Sequence[Message], seconds: float | None = None) -> list[str]:
            return ["a", "", "b"]

    assert list(streamed(Listing())) == ["a", "b"]


@pytest.mark.parametrize("pieces", [["The", " keeper"], ["The"]], ids=["more", "no more"])
def test_closing_hangs_up(chat: Callable[..., Any], pieces: list[str]) -> None:
    left = threading.Event()
    with ChatServer(stream_stalled(pieces, left)) as server:
        model = chat(model="m", base_url=server.url)
        with closing(streamed(model)) as found:
            assert next(found) == "The"
        assert left.wait(10)
        assert soon(lambda: not model._server._pool.connections)


def test_what_is_forgotten_hangs_up_too(chat: Callable[..., Any]) -> None:
    left = threading.Event()
    with ChatServer(stream_stalled(["The"], left)) as server:
        found = streamed(chat(model="m", base_url=server.url))
        assert next(found) == "The"
        del found
        gc.collect()
        assert left.wait(10)


def test_no_thread_is_left(chat: Callable[..., Any]) -> None:
    before = set(threading.enumerate())

    def left() -> set[threading.Thread]:
        return {one for one in set(threading.enumerate()) - before if one.name == "relay"}

    behaviours = [stream(["a", "b"]), stream_stalled(["a"]), stream_endless("a", 0.01), slow(30)]
    with ChatServer(*behaviours) as server:
        asker = Asker(chat(model="m", base_url=server.url), replace(HURRIED, retries=0))
        assert list(asker.stream(ASKED)) == ["a", "b"]
        for _ in range(2):
            with closing(cast("Generator[str]", asker.stream(ASKED))) as pieces:
                next(pieces)
                assert left()
        with pytest.raises(ChatError):
            list(asker.stream(ASKED))

        assert soon(lambda: not left(), 5)


def test_threads_know_the_context() -> None:
    variable = contextvars.ContextVar("variable", default="")
    seen: list[Question | None] = []

    def made() -> Iterator[str]:
        seen.append(under_way())
        yield variable.get()

    variable.set("known")
    with question() as asked:
        assert list(streamed(Streaming(made))) == ["known"]
    assert seen == [asked]
    list(streamed(Streaming(made)))
    assert seen[1] is not None


def test_what_goes_on_between_pieces_sees_nothing_of_it() -> None:
    pieces = streamed(Streaming(lambda: iter("ab")))
    assert next(pieces) == "a"
    assert under_way() is None
    other = contextvars.Context()
    assert other.run(next, pieces) == "b"
    assert list(pieces) == []


def test_whole_replies_are_kept(tmp_path: Path, chat: Callable[..., Any]) -> None:
    kept, cache = replace(QUICK, cache=True), ReplyCache(tmp_path)
    with ChatServer(stream(["The", " keeper"]), stream(["other"])) as server, question() as asked:
        model = chat(model="m", base_url=server.url)
        assert list(streamed(model, kept, cache)) == ["The", " keeper"]
        assert list(streamed(model, kept, cache)) == ["The keeper"]
        assert Asker(model, kept, cache).ask(ASKED) == Reply("The keeper")
        assert asked.calls == len(server.requests) == 1


def test_replies_that_were_asked_for_are_known(tmp_path: Path) -> None:
    kept, cache = replace(QUICK, cache=True), ReplyCache(tmp_path)
    with ChatServer(ok("The keeper")) as server:
        model = OpenAIChat(model="m", base_url=server.url)
        Asker(model, kept, cache).ask(ASKED)
        assert list(streamed(model, kept, cache)) == ["The keeper"]
        assert len(server.requests) == 1


def test_what_is_not_whole_is_not_kept(tmp_path: Path) -> None:
    kept, cache = replace(QUICK, cache=True), ReplyCache(tmp_path)
    behaviours = (stream_cut(["The"]), stream(["The", " kee", "per"]), stream(["a", "b"]))
    with ChatServer(*behaviours) as server:
        model = OpenAIChat(model="m", base_url=server.url)
        with pytest.raises(ChatError):
            list(streamed(model, kept, cache))
        with closing(streamed(model, kept, cache)) as pieces:
            next(pieces)
        assert list(streamed(model, kept, cache)) == ["a", "b"]
        assert len(server.requests) == 3


def test_a_fingerprint_that_fails(tmp_path: Path) -> None:
    class Unnamed(Streaming):
        @property
        def fingerprint(self) -> str:  # type: ignore[override]
            raise KeyError("x")

    model = Unnamed(lambda: iter(["a"]))
    with question() as asked:
        told, error = failing(model, replace(QUICK, cache=True))
        assert asked.take_notes() == (f"no reply: {error}",)
    assert told == []
    assert "'fingerprint' failed" in str(error)
    assert model.seconds == []


def test_many_at_once() -> None:
    found: dict[int, str] = {}
    with ChatServer(stream_told(str.upper, 0.005)) as server:
        asker = Asker(OpenAIChat(model="m", base_url=server.url), QUICK)

        def ask(number: int) -> None:
            found[number] = "".join(asker.stream([Message("user", f"who lit lamp {number}")]))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {number: f"WHO LIT LAMP {number}" for number in range(8)}
