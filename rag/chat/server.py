"""A chat server: JSON sent and JSON received, within limits, and what went wrong in one line."""

from __future__ import annotations

import json
import re
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpcore2

from rag.chat.address import ascii_host
from rag.chat.network import ServerNetwork, pool
from rag.chat.settings import AGAIN, PATIENCE
from rag.errors import ChatError, RequestError
from rag.http import retry_after

# Bytes of a reply: nothing that is asked here needs more, but tokens' probabilities are long.
MOST = 1_000_000
MOST_WITH_CHOICES = 16_000_000
# Characters of a server's own words that are told.
_LENGTH = 160
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
        within = PATIENCE if seconds is None else seconds
        try:
            status, headers, answer = self._exchange(path, body, within, most)
        except httpcore2.TimeoutException:
            raise self.failed(f"did not answer within {within:.3g} s", again=True) from None
        except (httpcore2.NetworkError, OSError) as error:
            told = f"cannot be reached ({_words(error)}): is it running there?"
            raise self.failed(told, again=True) from None
        except (httpcore2.ProtocolError, httpcore2.ProxyError) as error:
            raise self.failed(f"broke off ({_words(error)})", again=True) from None
        if status != HTTPStatus.OK:
            raise self._refused(status, headers, answer)
        try:
            return json.loads(answer)
        except (ValueError, RecursionError):
            raise self.failed("answered with what is no JSON", again=True) from None

    def failed(self, told: str, *, again: bool = False, after: float | None = None) -> ChatError:
        """An error that says what the server did, without its key."""
        return ChatError(f"{self._name} {self._keyless(told)}", again=again, after=after)

    def _exchange(
        self, path: str, body: Mapping[str, Any], seconds: float, most: int
    ) -> tuple[int, dict[str, str], bytes]:
        self._network.until(time.monotonic() + seconds)
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        with self._pool.stream(
            "POST",
            self._url(path),
            headers=list(self._headers()),
            content=json.dumps(body).encode(),
            extensions={"timeout": timeouts},
        ) as response:
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1").strip()
                for name, value in response.headers
            }
            return response.status, headers, self._bounded(response.iter_stream(), most)

    def _bounded(self, chunks: Iterable[bytes], most: int) -> bytes:
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if len(data) > most:
                raise self.failed(f"answered with more than {most:,} bytes")
        return bytes(data)

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

    def _refused(self, status: int, headers: Mapping[str, str], answer: bytes) -> ChatError:
        if 300 <= status < 400:
            return self.failed(f"redirects ({status}), which is not followed: check base_url")
        said, code = _said(answer)
        said = _shortened(self._keyless(said))
        told = f"answered {_phrase(status)}" + (f": {said}" if said else "")
        # An account without money stays without it.
        again = status in AGAIN and code != "insufficient_quota"
        return self.failed(told, again=again, after=retry_after(headers.get("retry-after", "")))

    def _keyless(self, told: str) -> str:
        """`told` without the key, and without words that begin as it does."""
        if not self._key:
            return told
        told = told.replace(self._key, "***")
        if len(self._key) > 2 * _BEGINNING:
            told = re.sub(rf"{re.escape(self._key[:_BEGINNING])}\S*", "***", told)
        return told


def _said(answer: bytes) -> tuple[str, str]:
    """The server's own words about an error, on one line, and its code."""
    try:
        record = json.loads(answer)
    except (ValueError, RecursionError):
        record = answer.decode("utf-8", "replace")
    code = ""
    for key in ("error", "message"):
        if isinstance(record, dict):
            code = str(record.get("code") or code)
            record = record.get(key) or record.get("detail") or record
    # A page of a proxy says nothing here, and a terminal obeys control characters.
    text = record if isinstance(record, str) and "<html" not in record.lower() else ""
    line = "".join(one for one in " ".join(text.split()) if one.isprintable())
    return line, code


def _shortened(line: str) -> str:
    return line if len(line) <= _LENGTH else f"{line[: _LENGTH - 3]}..."


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
