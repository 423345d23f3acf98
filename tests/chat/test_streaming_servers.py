"""Replies streamed over HTTP, against a real server that does what servers do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, TypeAlias, cast

import pytest
from chat_server import (
    Behaviour,
    ChatServer,
    Exchange,
    closed_port,
    cut,
    filtered,
    megabyte,
    ok,
    raw,
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
    stream_reset,
    stream_stalled,
)

from rag.chat.ollama import OllamaChat
from rag.chat.openai import OpenAIChat
from rag.errors import ChatError
from rag.protocols import StreamingModel
from rag.tracing import question
from rag.types import Message

KEY = "sk-very-secret-0123456789"
ASKED = [Message("system", "Be brief."), Message("user", "Who lit the lamp?")]

Model: TypeAlias = OpenAIChat | OllamaChat
Made: TypeAlias = Callable[..., Model]


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture(params=[OpenAIChat, OllamaChat], ids=["openai", "ollama"])
def chat(request: pytest.FixtureRequest) -> Made:
    made: Made = request.param
    return made


def streamed(model: Model, seconds: float = 5) -> Generator[str]:
    return cast("Generator[str]", model.stream(ASKED, seconds))


def failing(model: Model, seconds: float = 5) -> tuple[list[str], ChatError]:
    """The pieces before the error, and the error."""
    told: list[str] = []
    with pytest.raises(ChatError) as caught:
        for piece in streamed(model, seconds):
            told.append(piece)
    assert "\n" not in str(caught.value)
    assert all(told)
    return told, caught.value


def connections(model: Model) -> int:
    return len(model._server._pool.connections)


def test_pieces(chat: Made) -> None:
    with ChatServer(stream(["The ", "", "keeper", ".\n"])) as server, question() as asked:
        model = chat(model="tiny", base_url=server.url, seed=3)
        assert isinstance(model, StreamingModel)
        assert list(streamed(model)) == ["The", " keeper", "."]
        assert asked.take_notes() == ()
    (request,) = server.requests
    assert request.body["stream"] is True
    assert request.body["model"] == "tiny"
    assert request.body["messages"][1] == {"role": "user", "content": "Who lit the lamp?"}


def test_nothing_is_asked_before_the_first_piece_is() -> None:
    with ChatServer(stream(["a"])) as server:
        pieces = streamed(OpenAIChat(model="m", base_url=server.url))
        assert server.requests == []
        assert list(pieces) == ["a"]


def test_the_first_piece_comes_before_the_second_is_sent(chat: Made) -> None:
    gate = threading.Event()
    with ChatServer(stream_gated(["The"], gate, [" keeper"])) as server:
        pieces = streamed(chat(model="m", base_url=server.url), 20)
        assert next(pieces) == "The"
        assert not gate.is_set()
        gate.set()
        assert list(pieces) == [" keeper"]


def test_a_reply_that_was_cut_is_noted(chat: Made) -> None:
    with ChatServer(stream(["The ", "kee"], ended="length")) as server, question() as asked:
        model = chat(model="m", base_url=server.url, max_tokens=3)
        assert list(streamed(model)) == ["The", " kee"]
        assert asked.take_notes() == ("a reply was cut off at max_tokens = 3",)


def test_thoughts_are_not_told(chat: Made) -> None:
    pieces = [" <th", "ink>The user", " asks</th", "ink>\n", "\nThe ", "keeper"]
    with ChatServer(stream(pieces)) as server:
        assert list(streamed(chat(model="m", base_url=server.url))) == ["The", " keeper"]


def test_characters_come_whole(chat: Made) -> None:
    with ChatServer(stream(["a\ud83d", "\ude00 b", "\ud83d"])) as server:
        assert list(streamed(chat(model="m", base_url=server.url))) == ["a", "😀 b", "?"]


def _in_bytes(size: int) -> Behaviour:
    """A reply with many bytes a character, sent a few bytes at a time."""

    def behave(exchange: Exchange) -> None:
        exchange.begin()
        record = exchange.piece("zwölf 灯台 😀") + exchange.piece(" Leuchttürme", "stop")
        data = _unescaped(record)
        for start in range(0, len(data), size):
            exchange.chunk(data[start : start + size])
        exchange.chunk(b"")

    return behave


def _unescaped(record: bytes) -> bytes:
    """The same JSON with characters as they are."""
    return b"\n".join(_line(line) for line in record.split(b"\n"))


def _line(line: bytes) -> bytes:
    head, brace, rest = line.partition(b"{")
    if not brace:
        return line
    return head + json.dumps(json.loads(brace + rest), ensure_ascii=False).encode()


@pytest.mark.parametrize("size", [1, 7])
def test_bytes_may_be_cut_anywhere(chat: Made, size: int) -> None:
    with ChatServer(_in_bytes(size)) as server:
        pieces = list(streamed(chat(model="m", base_url=server.url)))
    assert pieces == ["zwölf 灯台 😀", " Leuchttürme"]


@pytest.mark.parametrize("behaviour", [ok(" The keeper.\n"), cut("The keeper.")])
def test_servers_that_do_not_stream(chat: Made, behaviour: Behaviour) -> None:
    with ChatServer(behaviour) as server:
        assert list(streamed(chat(model="m", base_url=server.url))) == ["The keeper."]


def test_a_whole_completion_in_several_lines_and_chunks() -> None:
    body = json.dumps({"choices": [{"message": {"content": "yes"}}]}, indent=2).encode()
    for kind in ("application/json", "text/event-stream"):
        with ChatServer(stream_raw(b"\n ", body[:9], body[9:], kind=kind)) as server:
            assert list(streamed(OpenAIChat(model="m", base_url=server.url))) == ["yes"]


def _event(text: str, ended: str = "null") -> bytes:
    choice = f'{{"delta": {{"content": "{text}"}}, "finish_reason": {ended}}}'
    return f'data: {{"choices": [{choice}]}}'.encode()


# Where a bar stands, another chunk begins; capitals are events with the small letter as a piece.
_EVENTS = {
    "crlf": ": hello\r\n\r\nA\r\n\r|\nB|\r\n\r\nEND\r\n\r\n",
    "comments": "A\n\nB\n\n:\n\n|: waiting\n\n|END\n\n",
    "byte order mark": "\ufeff|A\n\n|Z\n\n",
    "fields": "id: 7\nevent: message\nretry: 3\nA\n\n|other: x\nZ\n\n",
    "roles": 'data: {"choices": [{"delta": {"role": "assistant"}}]}\n\nA\n\nZ\n\n',
    "thoughts": 'A\n\ndata: {"choices": [{"delta": {"content": null, "reasoning": "x"}}]}\n\nZ\n\n',
    "usage": 'A\n\nB\n\ndata: {"choices": [], "usage": {"total": 3}}\n\nEND\n\n',
    "usage alone": 'A\n\nB\n\ndata: {"usage": {"total": 3}}\n\n|END\n\n',
    "lines": 'A\n\ndata: {"choices":\ndata:  [{"delta": {"content": "b"}}]}\n\ndata:\n\nEND\n\n',
    "no delta": 'A\n\nB\n\ndata: {"choices": [{"finish_reason": "stop"}]}\n\n',
    "no space": "A\n\nB\n\ndata:[DONE]\n\n",
}


@pytest.mark.parametrize("written", _EVENTS.values(), ids=_EVENTS)
def test_events_as_servers_write_them(written: str) -> None:
    body = written.encode().replace(b"A", _event("a")).replace(b"B", _event("b"))
    body = body.replace(b"Z", _event("b", '"stop"')).replace(b"\nEND", b"\ndata: [DONE]")
    body = body.replace(b"|END", b"|data: [DONE]")
    with ChatServer(stream_raw(*body.split(b"|"))) as server:
        assert "".join(streamed(OpenAIChat(model="m", base_url=server.url))) == "ab"


def test_lines_as_servers_write_them() -> None:
    first = '{"message": {"content": "a\u2028"}, "done": false}\r\n\n'.encode()
    last = b'{"message": {"content": "b", "thinking": "x"}, "done": true}'
    with ChatServer(stream_raw(first, last)) as server:
        model = OllamaChat(model="m", base_url=server.url)
        assert "".join(streamed(model)) == "a\u2028b"
        assert "".join(streamed(model)) == "a\u2028b"
        assert connections(model) == 1


@pytest.mark.parametrize(
    ("behaviour", "pieces", "words", "again"),
    [
        (status(429, said="slow down"), [], "429 Too Many Requests: slow down", True),
        (status(500), [], "500 Internal Server Error: no", True),
        (status(429, code="insufficient_quota"), [], "429", False),
        (status(400, said="too long"), [], "400 Bad Request: too long", False),
        (raw(b"<html><body>Bad gateway</body>", 502), [], "502 Bad Gateway", True),
        (raw(b"", 307, Location="http://127.0.0.1:1/"), [], "redirects (307)", False),
        (raw(b"<html><body>Welcome</body>"), [], "", True),
        (raw(b""), [], "broke off before the end", True),
        (raw(b"{}"), [], "no ", True),
        (raw(b"[1, 2]"), [], "", True),
        (raw(b"{" * 100_000), [], "no JSON", True),
        (megabyte(), [], "more than 1,000,000", False),
        (stream([]), [], "empty text", False),
        (stream([" ", "\n"]), [], "empty text", False),
        (stream(["<think>", "never ends"]), [], "empty text", False),
        (stream_cut([]), [], "broke off (", True),
        (stream_cut(["a ", "b"]), ["a", " b"], "broke off (", True),
        (stream_cut(["a ", "b"], ended=True), ["a", " b"], "broke off before the end", True),
        (stream_reset(["a"]), ["a"], "broke off (", True),
        (stream_garbage(["The"], b"data: {oops}\n\n"), ["The"], "no JSON", True),
        (stream_garbage(["The"], b"\xff\xfe\x00\n\n"), ["The"], "", True),
        (stream_error(["a"], {"message": "no room"}), ["a"], "tells of an error: no room", True),
        (stream_error([], "not\nnow"), [], "tells of an error: not now", True),
        (stream_error([], {"message": "no", "code": 400}), [], "tells of an error: no", False),
        (stream_error([], {"message": "no", "code": 503}), [], "tells of an error: no", True),
        (stream_error([], {"message": "x", "type": "invalid_request"}), [], "error: x", False),
        (stream_error([], {"code": "insufficient_quota"}), [], "error: no reason is told", False),
        (stream_endless("x" * 1000), None, "more than 1,000,000 characters", False),
        (stream_endless("é" * 999_999), None, "more than ", False),
    ],
)  # fmt: skip
def test_failures(
    chat: Made, behaviour: Behaviour, pieces: list[str] | None, words: str, again: bool
) -> None:
    started = time.monotonic()
    with ChatServer(behaviour) as server:
        model = chat(model="m", base_url=server.url)
        told, error = failing(model, 20)
        assert time.monotonic() - started < 15
        if pieces is not None:
            assert told == pieces
        assert words in str(error)
        assert f"chat model 'm' at {server.url}" in str(error)
        assert error.again is again
        assert len(server.requests) == 1
        for one in model._server._pool.connections:
            assert one.is_idle()


def test_an_event_without_end() -> None:
    with ChatServer(stream_garbage([], b"data: " + b"x" * 1_100_000, ended=False)) as server:
        _, error = failing(OpenAIChat(model="m", base_url=server.url))
    assert "an event of more than 1,000,000 bytes" in str(error)


def test_an_event_called_error() -> None:
    said = b'event: error\ndata: {"message": "overloaded"}\n\n'
    with ChatServer(stream_garbage(["The"], said)) as server:
        told, error = failing(OpenAIChat(model="m", base_url=server.url))
    assert told == ["The"]
    assert "tells of an error: overloaded" in str(error)


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (stream(["I "], refusal="I can't\nhelp."), "refused: I can't help."),
        (stream(["I "], ended="content_filter"), "refused: its filter withheld"),
        (refusal(), "refused: I can't help"),
        (filtered(), "refused: its filter"),
    ],
)
def test_refusals(behaviour: Behaviour, words: str) -> None:
    with ChatServer(behaviour) as server:
        _, error = failing(OpenAIChat(model="m", base_url=server.url))
    assert words in str(error)
    assert not error.again


def test_servers_that_are_not_there(chat: Made) -> None:
    for url in (closed_port(), "http://nowhere.invalid"):
        _, error = failing(chat(model="m", base_url=url))
        assert "cannot be reached" in str(error)


@pytest.mark.parametrize(
    "behaviour",
    [slow(30), stream_drip(), stream_stalled(["The"]), stream_endless("la ", 0.01), stream_drip(0)],
    ids=["slow", "drip", "stalled", "endless", "flood"],
)
def test_time_is_bounded(chat: Made, behaviour: Behaviour) -> None:
    with ChatServer(behaviour) as server:
        model = chat(model="m", base_url=server.url)
        started = time.monotonic()
        _, error = failing(model, seconds=0.4)
        assert time.monotonic() - started < 3
        assert "did not answer within 0.4 s" in str(error)
        assert error.again
        assert connections(model) == 0


def test_the_key_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    said = f"Incorrect key: {KEY}, {KEY[:9]}****6789"
    # A key of which the end is cut off is one still.
    told = [stream_error(["a"], {"message": one}) for one in (said, "x" * 150 + KEY)]
    with ChatServer(status(401, said=said), *told) as server:
        model = OpenAIChat(model="m", base_url=server.url, key_env="MY_KEY")
        errors = [failing(model)[1] for _ in range(3)]
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert all(KEY[:6] not in str(error) for error in errors)


def test_connections_are_used_again(chat: Made) -> None:
    with ChatServer(stream(["a", "b"])) as server:
        model = chat(model="m", base_url=server.url)
        for _ in range(3):
            assert list(streamed(model)) == ["a", "b"]
            assert connections(model) == 1
        assert [one.is_idle() for one in model._server._pool.connections] == [True]


def test_a_body_that_goes_on_after_the_reply_is_not_waited_for() -> None:
    with ChatServer(stream_garbage(["a"], _event("b", '"stop"') + b"\n\n", ended=False)) as server:
        model = OpenAIChat(model="m", base_url=server.url)
        assert list(streamed(model)) == ["a", "b"]
        assert connections(model) == 0

    def lingering(exchange: Exchange) -> None:
        exchange.begin()
        exchange.chunk(exchange.piece("a", "stop"))
        exchange.gone(30)
        exchange.hang_up()

    with ChatServer(lingering) as server:
        model = OpenAIChat(model="m", base_url=server.url)
        started = time.monotonic()
        assert list(streamed(model, 20)) == ["a"]
        assert time.monotonic() - started < 3
        assert connections(model) == 0


def test_closing_hangs_up(chat: Made) -> None:
    left = threading.Event()
    with ChatServer(stream_stalled(["The", " keeper"], left), stream(["yes"])) as server:
        model = chat(model="m", base_url=server.url)
        with closing(streamed(model, 60)) as pieces:
            assert next(pieces) == "The"
        assert left.wait(10)
        assert connections(model) == 0
        assert list(streamed(model)) == ["yes"]


def test_streams_at_once_in_one_thread(chat: Made) -> None:
    gate = threading.Event()
    with ChatServer(stream_gated(["a"], gate, ["b"]), stream(["c", "d"])) as server:
        model = chat(model="m", base_url=server.url)
        first, second = streamed(model, 20), streamed(model, 0.5)
        assert [next(first), *second] == ["a", "c", "d"]
        time.sleep(0.6)  # the second one's seconds are over, and not the first one's
        gate.set()
        assert list(first) == ["b"]


def test_another_thread_may_go_on(chat: Made) -> None:
    found: list[Any] = []

    def read(pieces: Iterator[str]) -> None:
        found.extend(pieces)

    with ChatServer(stream(["a", "b", "c"], 0.02)) as server:
        pieces = streamed(chat(model="m", base_url=server.url))
        assert next(pieces) == "a"
        thread = threading.Thread(target=read, args=(pieces,))
        thread.start()
        thread.join()
    assert found == ["b", "c"]
