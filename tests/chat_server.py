"""A real chat server on loopback that behaves as it is told, by the protocols of two providers."""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, TypeAlias

Choices: TypeAlias = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """The text of the last message."""
        return str(self.body["messages"][-1]["content"])


class Exchange:
    """One request under way, and what can be done with it."""

    def __init__(self, handler: BaseHTTPRequestHandler, request: Request, over: threading.Event):
        self.request = request
        self.over = over
        self._handler = handler

    def send(
        self, status: int, body: bytes, headers: Mapping[str, str], length: int | None = None
    ) -> None:
        """A response; `length` is what it says its length is."""
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.send_header("Content-Type", "application/json")
        self._handler.send_header("Content-Length", str(len(body) if length is None else length))
        self._handler.end_headers()
        self.write(body)

    def write(self, data: bytes) -> None:
        """Bytes of a body; nothing where the client has gone."""
        try:
            self._handler.wfile.write(data)
            self._handler.wfile.flush()
        except OSError:
            self._handler.close_connection = True

    def hang_up(self) -> None:
        """End the connection here."""
        self._handler.close_connection = True

    def reset(self) -> None:
        """End the connection as a machine that fails does."""
        with socket.socket(fileno=self._handler.connection.detach()) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hang_up()

    def gone(self, seconds: float) -> bool:
        """Whether the client hangs up within so many seconds."""
        end = time.monotonic() + seconds
        while not self.over.is_set() and time.monotonic() < end:
            ready, _, _ = select.select([self._handler.connection], [], [], 0.01)
            if ready:
                return self._peeked() == b""
        return False

    def _peeked(self) -> bytes:
        try:
            return bytes(self._handler.connection.recv(1, socket.MSG_PEEK))
        except OSError:
            return b""

    @property
    def ollama(self) -> bool:
        """Whether the client speaks as Ollama's do."""
        return self.request.path.endswith("/api/chat")

    def begin(self, kind: str = "") -> None:
        """Begin a streamed response, whose chunks come one by one."""
        own = "application/x-ndjson" if self.ollama else "text/event-stream; charset=utf-8"
        self._handler.send_response(200)
        self._handler.send_header("Content-Type", kind or own)
        self._handler.send_header("Transfer-Encoding", "chunked")
        self._handler.end_headers()

    def chunk(self, data: bytes) -> bool:
        """One chunk of it, the last one where it is empty; whether the client is still there."""
        self.write(b"%x\r\n%s\r\n" % (len(data), data))
        return not self._handler.close_connection

    def record(self, record: Any) -> bytes:
        """A JSON record as the provider sends it."""
        written = json.dumps(record).encode()
        return written + b"\n" if self.ollama else b"data: " + written + b"\n\n"

    def piece(self, text: str, ended: str = "", **message: Any) -> bytes:
        """A record with a piece of the reply, the last one where it says why it ended."""
        said = {"role": "assistant", "content": text, **message}
        if self.ollama:
            last = {"done": True, "done_reason": ended} if ended else {"done": False}
            return self.record({"model": "m", "message": said, **last})
        choice = {"index": 0, "delta": said, "finish_reason": ended or None}
        return self.record({"object": "chat.completion.chunk", "choices": [choice]})

    def end(self, ended: str = "stop") -> None:
        """End a reply, as the provider does."""
        self.chunk(self.piece("", ended))
        if not self.ollama:
            self.chunk(self.record({"object": "chat.completion.chunk", "choices": [], "usage": {}}))
            self.chunk(b"data: [DONE]\n\n")
        self.chunk(b"")

    def reply(self, text: str, choices: Choices = (), ended: str = "stop", **message: Any) -> None:
        """A reply as the provider of the path shapes it."""
        tokens = [_token(one) for one in choices]
        said = {"role": "assistant", "content": text, **message}
        record: dict[str, Any] = {"message": said, "done": True, "done_reason": ended}
        if tokens:
            record["logprobs"] = tokens
        if not self.ollama:
            choice = {"index": 0, "message": said, "finish_reason": ended}
            if tokens:
                choice["logprobs"] = {"content": tokens}
            record = {"object": "chat.completion", "choices": [choice]}
        self.send(200, json.dumps(record).encode(), {})


Behaviour: TypeAlias = Callable[[Exchange], None]


class ChatServer:
    """Answers each request by the next of `script`, and by the last of them from then on.

    `requests` is what was sent, `most` how many requests were under way at once.
    """

    def __init__(self, *script: Behaviour) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self.most = 0
        self._busy = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> ChatServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # headers and body are sent apart

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                server._serve(self, Request(self.path, dict(self.headers), body))

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        with self._lock:
            behaviour = self.script[min(len(self.requests), len(self.script) - 1)]
            self.requests.append(request)
            self._busy += 1
            self.most = max(self.most, self._busy)
        try:
            behaviour(Exchange(handler, request, self._over))
        finally:
            with self._lock:
                self._busy -= 1


def ok(text: str, choices: Choices = ()) -> Behaviour:
    """Reply with `text`; `choices` has log-probabilities for each token, likeliest first."""
    return lambda exchange: exchange.reply(text, choices)


def told(text_of: Callable[[str], str]) -> Behaviour:
    """Reply with what `text_of` makes of the last message."""
    return lambda exchange: exchange.reply(text_of(exchange.request.prompt))


def cut(text: str) -> Behaviour:
    """Reply with a text that was cut off at its greatest length."""
    return lambda exchange: exchange.reply(text, ended="length")


def slow(seconds: float, text: str = "late") -> Behaviour:
    """Reply after some time."""

    def behave(exchange: Exchange) -> None:
        exchange.over.wait(seconds)
        exchange.reply(text)

    return behave


def status(number: int, retry_after: str = "", said: Any = "no", **error: Any) -> Behaviour:
    """Answer with a status that is no success, and words of the server's own."""

    def behave(exchange: Exchange) -> None:
        body = json.dumps({"error": {"message": said, **error}}).encode()
        exchange.send(number, body, {"Retry-After": retry_after} if retry_after else {})

    return behave


def raw(body: bytes, code: int = 200, **headers: str) -> Behaviour:
    """Answer with just these bytes."""
    return lambda exchange: exchange.send(code, body, headers)


def half_json() -> Behaviour:
    """Answer with the first half of a reply."""
    return raw(b'{"choices": [{"message": {"content": "The lam')


def broken() -> Behaviour:
    """Break off in the middle of a reply."""

    def behave(exchange: Exchange) -> None:
        exchange.send(200, b'{"choices": [', {}, length=500)
        exchange.hang_up()

    return behave


def refusal(text: str = "I can't help with that.") -> Behaviour:
    """Refuse, as OpenAI does."""
    return lambda exchange: exchange.reply("", refusal=text)


def filtered() -> Behaviour:
    """Withhold the reply."""
    return lambda exchange: exchange.reply("", ended="content_filter")


def empty() -> Behaviour:
    """Reply with white space."""
    return ok(" \n")


def megabyte(size: int = 1_100_000) -> Behaviour:
    """Reply with a text of `size` characters."""
    return ok("x" * size)


def drip(pause: float = 0.02) -> Behaviour:
    """Reply a byte at a time, for ever."""

    def behave(exchange: Exchange) -> None:
        exchange.send(200, b"{", {}, length=1_000_000)
        while not exchange.over.wait(pause):
            exchange.write(b" ")

    return behave


def stream(
    pieces: Iterable[str], pause: float = 0.0, ended: str = "stop", **last: Any
) -> Behaviour:
    """Reply in pieces, with some time between them; `last` is said beside the last of them."""

    def behave(exchange: Exchange) -> None:
        exchange.begin()
        for piece in pieces:
            if not exchange.chunk(exchange.piece(piece)):
                return
            exchange.over.wait(pause)
        if last:
            exchange.chunk(exchange.piece("", **last))
        exchange.end(ended)

    return behave


def stream_told(text_of: Callable[[str], str], pause: float = 0.0) -> Behaviour:
    """Reply with what `text_of` makes of the last message, word by word."""

    def behave(exchange: Exchange) -> None:
        words = text_of(exchange.request.prompt).split(" ")
        stream([words[0], *(f" {word}" for word in words[1:])], pause)(exchange)

    return behave


def stream_gated(first: Sequence[str], gate: threading.Event, rest: Sequence[str]) -> Behaviour:
    """Reply with the `first` pieces, and with the `rest` once `gate` is open."""

    def pieces() -> Iterator[str]:
        yield from first
        gate.wait(30)
        yield from rest

    def behave(exchange: Exchange) -> None:
        stream(pieces())(exchange)

    return behave


def stream_cut(pieces: Sequence[str], *, ended: bool = False) -> Behaviour:
    """Break off after some pieces; with `ended` the response is whole, the reply is not."""
    return stream_garbage(pieces, b"", ended=ended)


def stream_reset(pieces: Sequence[str]) -> Behaviour:
    """Fail after some pieces."""

    def behave(exchange: Exchange) -> None:
        exchange.begin()
        for piece in pieces:
            exchange.chunk(exchange.piece(piece))
        exchange.over.wait(0.05)  # what was sent is thrown away where it was not read yet
        exchange.reset()

    return behave


def stream_garbage(pieces: Sequence[str], junk: bytes, *, ended: bool = True) -> Behaviour:
    """Send `junk` after some pieces."""

    def behave(exchange: Exchange) -> None:
        exchange.begin()
        for piece in pieces:
            exchange.chunk(exchange.piece(piece))
        if junk:
            exchange.chunk(junk)
        if ended:
            exchange.chunk(b"")
        else:
            exchange.hang_up()

    return behave


def stream_error(pieces: Sequence[str], error: Any) -> Behaviour:
    """Tell of an error after some pieces."""

    def behave(exchange: Exchange) -> None:
        stream_garbage(pieces, exchange.record({"error": error}))(exchange)

    return behave


def stream_drip(pause: float = 0.02) -> Behaviour:
    """Send what says nothing, for ever."""
    return _for_ever(lambda exchange: b"\n" if exchange.ollama else b": waiting\n\n", pause)


def stream_endless(piece: str = "la ", pause: float = 0.0) -> Behaviour:
    """Reply with the same piece for ever."""
    return _for_ever(lambda exchange: exchange.piece(piece), pause)


def stream_stalled(pieces: Sequence[str], left: threading.Event | None = None) -> Behaviour:
    """Fall silent after some pieces; `left` is set once the client hangs up."""

    def behave(exchange: Exchange) -> None:
        exchange.begin()
        for piece in pieces:
            exchange.chunk(exchange.piece(piece))
        if exchange.gone(60) and left is not None:
            left.set()
        exchange.hang_up()

    return behave


def stream_raw(*chunks: bytes, kind: str = "") -> Behaviour:
    """Stream just these chunks."""

    def behave(exchange: Exchange) -> None:
        exchange.begin(kind)
        for chunk in chunks:
            exchange.chunk(chunk)
            exchange.over.wait(0.005)  # so that they come apart
        exchange.chunk(b"")

    return behave


def _for_ever(made: Callable[[Exchange], bytes], pause: float) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.begin()
        while exchange.chunk(made(exchange)):
            if exchange.over.wait(pause):
                return

    return behave


def closed_port() -> str:
    """The address of a server that is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def _token(choice: Mapping[str, float]) -> dict[str, Any]:
    shown = [{"token": token, "logprob": value} for token, value in choice.items()]
    return {**shown[0], "top_logprobs": shown}
