"""Chat models behind HTTP, against a real server that does what servers do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from chat_server import (
    Behaviour,
    ChatServer,
    broken,
    closed_port,
    cut,
    drip,
    empty,
    filtered,
    half_json,
    megabyte,
    ok,
    raw,
    refusal,
    slow,
    status,
)

from rag.chat.ollama import OllamaChat
from rag.chat.openai import OpenAIChat
from rag.errors import ChatError, RequestError
from rag.tracing import question
from rag.types import Message

KEY = "sk-very-secret-0123456789"
ASKED = [Message("system", "Be brief."), Message("user", "Who lit the lamp?")]

Made: TypeAlias = Callable[..., OpenAIChat | OllamaChat]


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture(params=[OpenAIChat, OllamaChat], ids=["openai", "ollama"])
def chat(request: pytest.FixtureRequest) -> Made:
    made: Made = request.param
    return made


def failure(model: OpenAIChat | OllamaChat, seconds: float = 5) -> ChatError:
    with pytest.raises(ChatError) as caught:
        model.reply(ASKED, seconds)
    assert "\n" not in str(caught.value)
    return caught.value


def test_replies(chat: Made) -> None:
    with ChatServer(ok(" The keeper.\n")) as server:
        model = chat(model="tiny", base_url=server.url, seed=3)
        assert model.reply(ASKED, 5).text == "The keeper."
    (request,) = server.requests
    assert request.body["model"] == "tiny"
    assert request.body["stream"] is False
    assert request.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who lit the lamp?"},
    ]
    assert "Authorization" not in request.headers


def test_openai_speaks_as_documented() -> None:
    with ChatServer(ok("yes")) as server:
        model = OpenAIChat(model="m", base_url=f"{server.url}/v1/", max_tokens=7, seed=3)
        model.reply(ASKED)
        OpenAIChat(model="m", base_url=server.url, temperature=None, max_tokens=None).reply(ASKED)
    first, second = server.requests
    assert first.path == "/v1/chat/completions"
    assert {name: first.body[name] for name in ("temperature", "max_tokens", "seed")} == {
        "temperature": 0.0,
        "max_tokens": 7,
        "seed": 3,
    }
    assert "logprobs" not in first.body
    assert set(second.body) == {"model", "messages", "stream"}


def test_ollama_speaks_as_documented() -> None:
    with ChatServer(ok("yes")) as server:
        model = OllamaChat(model="m", base_url=server.url, max_tokens=7, seed=3, context=4096)
        model.reply(ASKED)
    (request,) = server.requests
    assert request.path == "/api/chat"
    assert request.body["think"] is False
    assert request.body["options"] == {
        "temperature": 0.0,
        "num_predict": 7,
        "seed": 3,
        "num_ctx": 4096,
    }


def test_choices_come_where_they_are_asked_for(chat: Made) -> None:
    choices = [{"Yes": -0.1, "No": -2.5}, {".": -0.01}]
    with ChatServer(ok("Yes.", choices)) as server:
        reply = chat(model="m", base_url=server.url).reply_with_choices(ASKED, 5)
    assert reply.choices == tuple(choices)
    assert server.requests[0].body["logprobs"] is True
    assert server.requests[0].body["top_logprobs"] == 20


def test_a_server_may_not_tell_choices(chat: Made) -> None:
    with ChatServer(ok("Yes.")) as server:
        assert chat(model="m", base_url=server.url).reply_with_choices(ASKED, 5).choices == ()


def test_of_tokens_that_look_alike_the_likeliest_counts() -> None:
    body = (
        b'{"choices": [{"message": {"content": "x"}, "logprobs": {"content": [{"token": "x", '
        b'"logprob": -3, "top_logprobs": [{"token": "x", "logprob": -1}, {"token": "?", '
        b'"logprob": -9}, {"token": "?", "logprob": -2}, {"token": 7}, null]}, null]}}]}'
    )
    with ChatServer(raw(body)) as server:
        reply = OpenAIChat(model="m", base_url=server.url).reply_with_choices(ASKED)
    assert reply.choices == ({"x": -1.0, "?": -2.0},)


def test_thoughts_are_no_part_of_the_reply(chat: Made) -> None:
    text = "<think>\nThe user asks\n</think>\n\nThe keeper."
    with ChatServer(ok(text, [{"<think>": 0.0}])) as server:
        reply = chat(model="m", base_url=server.url).reply_with_choices(ASKED)
    assert reply.text == "The keeper."
    assert reply.choices == ()


@pytest.mark.parametrize(
    ("behaviour", "words", "again"),
    [
        (status(429, said="slow down"), "429 Too Many Requests: slow down", True),
        (status(500), "500 Internal Server Error: no", True),
        (status(502), "502 Bad Gateway", True),
        (status(503), "503 Service Unavailable", True),
        (status(504), "504 Gateway Timeout", True),
        (status(529), "529: no", True),
        (status(429, code="insufficient_quota"), "429", False),
        (status(400, said="too long"), "400 Bad Request: too long", False),
        (status(401), "401 Unauthorized", False),
        (status(403), "403 Forbidden", False),
        (status(401, said=""), "401 Unauthorized: does it need a key", False),
        (raw(b"", 404), "404 Not Found: check base_url", False),
        (raw(b"\n<html><body>It works!</body>"), "a page, and no reply: check base_url", True),
        (status(404, said="model 'm' not found"), "model 'm' not found", False),
        (raw(b'{"error": "not\\nfound"}', 404), "404 Not Found: not found", False),
        (raw(b'{"detail": "no \\u001b[31mred"}', 400), "400 Bad Request: no [31mred", False),
        (raw(b"plain words", 400), "400 Bad Request: plain words", False),
        (raw(b"<html><body>Bad gateway</body>", 502), "502 Bad Gateway", True),
        (raw(b"", 307, Location="http://127.0.0.1:1/"), "redirects (307)", False),
        (half_json(), "no JSON", True),
        (raw(b"[" * 100_000), "no JSON", True),
        (raw(b"{}"), "no ", True),
        (raw(b"[1, 2]"), "no ", True),
        (raw(b'{"message": 1, "choices": [{"message": "x"}]}'), "no ", True),
        (broken(), "broke off", True),
        (empty(), "empty text", False),
        (megabyte(), "more than 1,000,000 bytes", False),
    ],
)
def test_failures(chat: Made, behaviour: Behaviour, words: str, again: bool) -> None:
    with ChatServer(behaviour) as server:
        error = failure(chat(model="m", base_url=server.url))
    assert words in str(error)
    assert f"chat model 'm' at {server.url}" in str(error)
    assert error.again is again
    assert len(server.requests) == 1


@pytest.mark.parametrize("behaviour", [refusal(), filtered()])
def test_refusals(behaviour: Behaviour) -> None:
    with ChatServer(behaviour) as server:
        error = failure(OpenAIChat(model="m", base_url=server.url))
    assert "refused: " in str(error)
    assert not error.again


def test_a_server_that_is_not_there(chat: Made) -> None:
    error = failure(chat(model="m", base_url=closed_port()))
    assert "cannot be reached" in str(error)
    assert error.again


def test_a_host_that_is_not_there(chat: Made) -> None:
    error = failure(chat(model="m", base_url="http://nowhere.invalid"))
    assert "cannot be reached" in str(error)


@pytest.mark.parametrize("behaviour", [slow(30), drip()], ids=["slow", "drip"])
def test_time_is_bounded(chat: Made, behaviour: Behaviour) -> None:
    with ChatServer(behaviour) as server:
        started = time.monotonic()
        error = failure(chat(model="m", base_url=server.url), seconds=0.4)
        assert time.monotonic() - started < 3
    assert "did not answer within 0.4 s" in str(error)
    assert error.again


def test_headers_that_drip_are_cut_off_too() -> None:
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def dripping() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not over.wait(0.02):
                    try:
                        connection.sendall(b"X-A: b\r\n")
                    except OSError:
                        return

        thread = threading.Thread(target=dripping)
        thread.start()
        started = time.monotonic()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        error = failure(OpenAIChat(model="m", base_url=url), seconds=0.4)
        assert time.monotonic() - started < 3
        over.set()
        thread.join()
    assert "did not answer" in str(error)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [("7", 7, 7), ("Wed, 21 Oct 2099 07:28:00 GMT", 1e6, 1e12), ("soon", None, None)],
)
def test_how_long_the_server_asks_to_wait(
    header: str, low: float | None, high: float | None
) -> None:
    with ChatServer(status(429, header)) as server:
        after = failure(OpenAIChat(model="m", base_url=server.url)).after
    if low is None or high is None:
        assert after is None
    else:
        assert after is not None
        assert low <= after <= high


def test_a_reply_that_was_cut_is_noted(chat: Made) -> None:
    with ChatServer(cut("The kee")) as server, question() as asked:
        model = chat(model="m", base_url=server.url, max_tokens=3)
        assert model.reply(ASKED).text == "The kee"
        assert asked.take_notes() == ("a reply was cut off at max_tokens = 3",)


def test_half_a_surrogate_pair_can_be_written(chat: Made) -> None:
    with ChatServer(ok("a \ud83d b")) as server:
        assert chat(model="m", base_url=server.url).reply(ASKED).text == "a ? b"


def test_connections_are_used_again(chat: Made) -> None:
    with ChatServer(ok("yes")) as server:
        model = chat(model="m", base_url=server.url)
        for _ in range(3):
            model.reply(ASKED)
        assert len(model._server._pool.connections) == 1


def test_the_key_is_sent_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f" {KEY}\n")
    said = f"Incorrect key: {KEY}, {KEY[:9]}****6789"
    with ChatServer(ok("yes"), status(401, said=said), status(401, said="x" * 150 + KEY)) as server:
        model = OpenAIChat(model="m", base_url=server.url, key_env="MY_KEY")
        model.reply(ASKED)
        errors = [failure(model), failure(model)]
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    for error in errors:
        assert KEY[:6] not in str(error)
        assert "401" in str(error)
    assert KEY not in model.fingerprint


def test_openai_itself_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="OPENAI_API_KEY holds no key for api"):
        OpenAIChat(model="m")
    with pytest.raises(RequestError, match="variable OTHER holds no key"):
        OpenAIChat(model="m", key_env="OTHER")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    OpenAIChat(model="m")


def test_a_key_must_look_like_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\nX-Other: {KEY}")
    with pytest.raises(RequestError, match="OPENAI_API_KEY holds cannot be a key") as caught:
        OpenAIChat(model="m")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("localhost:11434", "takes an address such as"),
        ("ftp://localhost", "takes an address such as"),
        ("http://", "takes an address such as"),
        ("http://localhost:port", "takes an address such as"),
        ("http://local host/v1", "takes an address such as"),
        ("http://localhost/a b", "takes an address such as"),
        ("http://[::1/v1", "takes an address such as"),
        ("http://me:secret@localhost", "must not hold a login"),
        ("http://localhost/v1?key=1", "without '\\?' and '#'"),
    ],
)
def test_addresses_are_judged_first(chat: Made, address: str, words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        chat(model="m", base_url=address)
    assert "secret" not in str(caught.value)
    found: Any = chat
    assert list(found.faults({"base_url": address})) == [("base_url", str(caught.value))]


def test_good_addresses_have_no_faults(chat: Made) -> None:
    found: Any = chat
    for address in ("http://[::1]:8000/v1", "https://münchen.example/v1/", "http://a_b:1"):
        assert list(found.faults({"base_url": address})) == []


def test_fingerprints_tell_models_apart(chat: Made) -> None:
    one = chat(model="m", base_url="http://localhost:1")
    assert one.fingerprint == chat(model="m", base_url="http://localhost:1/").fingerprint
    others = [
        chat(model="n", base_url="http://localhost:1"),
        chat(model="m", base_url="http://localhost:2"),
        chat(model="m", base_url="http://localhost:1", temperature=0.5),
        chat(model="m", base_url="http://localhost:1", max_tokens=9),
        chat(model="m", base_url="http://localhost:1", seed=1),
    ]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 6
    assert one.repeatable
    assert not others[2].repeatable


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer(ok("through")) as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:word@{proxy.url.removeprefix('http://')}")
        model = OpenAIChat(model="m", base_url="http://far.invalid/v1")
        assert model.reply(ASKED, 5).text == "through"
    (request,) = proxy.requests
    assert request.path == "http://far.invalid/v1/chat/completions"
    assert request.headers["Host"] == "far.invalid"
    assert request.headers["Proxy-Authorization"].startswith("Basic ")


def test_no_proxy_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", closed_port())
    with ChatServer(ok("here")) as server:
        assert OpenAIChat(model="m", base_url=server.url).reply(ASKED).text == "here"


def test_a_proxy_that_is_not_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://localhost:9")
    model = OpenAIChat(model="m", base_url="http://far.invalid/v1")
    with pytest.raises(RequestError, match="socks5:// is not supported"):
        model.reply(ASKED)
