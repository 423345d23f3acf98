"""What a server tells while it makes a reply, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from httpx2 import EventSource, Request, Response, SSEError

from rag.chat.exchange import Exchange
from rag.chat.said import said_in
from rag.chat.server import MOST_WITH_CHOICES, Server
from rag.chat.settings import MOST

_DONE = "[DONE]"
_BLANK = b" \t\r\n\xef\xbb\xbf"


def lines(server: Server, exchange: Exchange) -> Iterator[Any]:
    """JSON records, a line for each. Raises ChatError at the end of the body.

    Whoever reads stops before, at a record that says that it is the last.
    """
    begun: list[bytes] = []
    for chunk in exchange.chunks(MOST_WITH_CHOICES):
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            yield from _record(server, b"".join([*begun, line]))
            begun = []
        begun.append(rest)
    yield from _record(server, b"".join(begun))
    raise _cut(server)


def events(server: Server, exchange: Exchange) -> Iterator[Any]:
    """JSON records sent as events, up to `[DONE]`. Raises ChatError where the body ends before.

    A server that cannot stream answers with one record and nothing else: that is taken too.
    """
    chunks = exchange.chunks(MOST_WITH_CHOICES)
    beginning = next(chunks, b"").lstrip(_BLANK)
    while not beginning and (chunk := next(chunks, b"")):
        beginning = chunk.lstrip(_BLANK)
    body = chain([beginning], chunks)
    if beginning.startswith(b"{"):
        yield server.parsed(_joined(server, body))
        return
    if beginning.startswith(b"<"):
        raise server.no_api()
    for data in _data(server, body):
        if data.strip() == _DONE:
            return
        yield from _record(server, data.encode())
    raise _cut(server)


def _data(server: Server, body: Iterator[bytes]) -> Iterator[str]:
    # The reader wants a response of its own library; that is nothing but its body here.
    headers = {"Content-Type": "text/event-stream"}
    response = Response(200, headers=headers, content=body, request=Request("POST", "http://_"))
    try:
        for event in EventSource(response, max_event_size=MOST):
            if event.event == "error":
                raise server.reported(said_in(event.data.encode()))
            yield event.data
    except SSEError:
        raise server.failed(f"answered with an event of more than {MOST:,} bytes") from None


def _record(server: Server, line: bytes) -> Iterator[Any]:
    if line.strip():
        yield server.parsed(line)


def _joined(server: Server, body: Iterator[bytes]) -> bytes:
    found = bytearray()
    for chunk in body:
        found += chunk
        if len(found) > MOST:
            raise server.failed(f"answered with more than {MOST:,} bytes")
    return bytes(found)


def _cut(server: Server) -> Exception:
    return server.failed("broke off before the end of its reply", again=True)
