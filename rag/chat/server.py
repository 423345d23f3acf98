"""A chat server: JSON sent and JSON received, within limits, and what went wrong in one line."""

from __future__ import annotations

import json
import re
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpcore2

from rag.chat.address import ascii_host
from rag.chat.exchange import Exchange
from rag.chat.network import ServerNetwork, pool
from rag.chat.said import Said, phrase, said_in, shortened
from rag.chat.settings import AGAIN, MOST, PATIENCE
from rag.errors import ChatError, RequestError
from rag.http import retry_after

# Bytes of a reply with its tokens' probabilities, or of one in pieces with all around them.
MOST_WITH_CHOICES = 16_000_000
# What to look at where a server refuses without a word.
_HINTS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "does it need a key, or another one?",
    HTTPStatus.FORBIDDEN: "does it need a key, or another one?",
    HTTPStatus.NOT_FOUND: "check base_url and the model's name",
}
# So much of the beginning of a key tells which one it is.
_BEGINNING = 6


class Server:
    """A server at `base_url` that has `model`. Threads may share one.

    `key` is sent as a bearer token where there is one, and never told in an error.
    """

    def __init__(self, base_url: str, model: str, key: str = "") -> None:
        self._base = base_url.rstrip("/")
        self._name = f"chat model '{model}' at {self._base}"
        self._key = key
        self._network = ServerNetwork()
        self._parts = urlsplit(self._base)
        self._host = ascii_host(self._parts.hostname or "")
        try:
            self._pool = pool(self._parts.scheme, self._host, self._network)
        except ValueError as error:
            raise RequestError(f"{self._name} cannot be reached: {error}") from None
        # Nobody closes a chat model: its connections go with it.
        weakref.finalize(self, self._pool.close)

    def post(
        self, path: str, body: Mapping[str, Any], seconds: float | None, most: int = MOST
    ) -> Any:
        """What the server answers to `body`, at most `most` bytes. Raises ChatError."""
        with self.exchange(path, body, seconds) as exchange:
            answer = exchange.read(most)
        return self.parsed(answer)

    @contextmanager
    def exchange(
        self, path: str, body: Mapping[str, Any], seconds: float | None
    ) -> Iterator[Exchange]:
        """What the server answers to `body`, its status good and its text still to come.

        Raises ChatError, also for what goes wrong while it is read. A connection of which not all
        was read is closed, so that the server learns of it, and leaves the pool; others are kept.
        """
        within = PATIENCE if seconds is None else seconds
        with self._telling(within), self._sent(path, body, within) as exchange:
            if exchange.status != HTTPStatus.OK:
                raise self._refused(exchange, exchange.read(MOST))
            yield exchange

    def parsed(self, answer: bytes | str) -> Any:
        """The JSON that the server answered. Raises ChatError where it is none."""
        if answer.lstrip()[:1] in (b"<", "<"):
            raise self.no_api()
        try:
            return json.loads(answer)
        except (ValueError, RecursionError):
            raise self.failed("answered with what is no JSON", again=True) from None

    def no_api(self) -> ChatError:
        """An error for what answers with a page, as proxies and other programs do."""
        return self.failed("answered with a page, and no reply: check base_url", again=True)

    def reported(self, told: Said) -> ChatError:
        """An error that the server tells of in the midst of an answer."""
        words = shortened(self._keyless(told.words)) or "no reason is told"
        return self.failed(f"tells of an error: {words}", again=told.passing)

    def failed(self, told: str, *, again: bool = False, after: float | None = None) -> ChatError:
        """An error that says what the server did, without its key."""
        return ChatError(f"{self._name} {self._keyless(told)}", again=again, after=after)

    @contextmanager
    def _telling(self, within: float) -> Iterator[None]:
        try:
            yield
        except httpcore2.TimeoutException:
            raise self.failed(f"did not answer within {within:.3g} s", again=True) from None
        except (
            httpcore2.ReadError,
            httpcore2.WriteError,
            httpcore2.ProtocolError,
            httpcore2.ProxyError,
        ) as error:
            raise self.failed(f"broke off ({_words(error)})", again=True) from None
        except (httpcore2.NetworkError, OSError) as error:
            told = f"cannot be reached ({_words(error)}): is it running there?"
            raise self.failed(told, again=True) from None

    @contextmanager
    def _sent(self, path: str, body: Mapping[str, Any], seconds: float) -> Iterator[Exchange]:
        end = time.monotonic() + seconds
        self._network.until(end)
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        with self._pool.stream(
            "POST",
            self._url(path),
            headers=list(self._headers()),
            content=json.dumps(body).encode(),
            extensions={"timeout": timeouts},
        ) as response:
            yield Exchange(response, self._network, end, self.failed)

    def _headers(self) -> Iterator[tuple[bytes, bytes]]:
        host = f"[{self._host}]" if ":" in self._host else self._host
        port = "" if self._parts.port is None else f":{self._parts.port}"
        yield b"Host", f"{host}{port}".encode()
        yield b"Content-Type", b"application/json"
        yield b"Accept", b"application/json"
        yield b"Accept-Encoding", b"identity"
        yield b"User-Agent", b"ragline"
        if self._key:
            yield b"Authorization", f"Bearer {self._key}".encode()

    def _url(self, path: str) -> httpcore2.URL:
        return httpcore2.URL(
            scheme=self._parts.scheme.encode(),
            host=self._host.encode(),
            port=self._parts.port,
            target=f"{self._parts.path}{path}".encode(),
        )

    def _refused(self, exchange: Exchange, answer: bytes) -> ChatError:
        status = exchange.status
        if 300 <= status < 400:
            return self.failed(f"redirects ({status}), which is not followed: check base_url")
        told = said_in(answer)
        words = shortened(self._keyless(told.words)) or _HINTS.get(status, "")
        return self.failed(
            f"answered {phrase(status)}" + (f": {words}" if words else ""),
            again=status in AGAIN and told.code != "insufficient_quota",
            after=retry_after(exchange.headers.get("retry-after", "")),
        )

    def _keyless(self, told: str) -> str:
        """`told` without the key, and without words that begin as it does."""
        if not self._key:
            return told
        told = told.replace(self._key, "***")
        if len(self._key) > 2 * _BEGINNING:
            told = re.sub(rf"{re.escape(self._key[:_BEGINNING])}\S*", "***", told)
        return told


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
