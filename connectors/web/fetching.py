"""Fetching pages politely: one request at a time, a pause between two, no more than is taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import httpcore2
from httpx2 import URL

from rag.connectors.web.addresses import AddressCheck
from rag.connectors.web.body import read_body
from rag.connectors.web.exchange import NOT_MODIFIED, Ask, Fetched, Limits
from rag.connectors.web.failing import FetchError, answered
from rag.connectors.web.network import CheckedNetwork
from rag.connectors.web.url import normalised, origin, site
from rag.http import retry_after

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({429, 503})
_MOST_REDIRECTS = 10
_DRAINED = 65_536

_ANYTHING = Ask()


class Fetcher:
    """Fetches over connections that are kept open. Threads may share one; requests take turns.

    `delays` are pauses in seconds for sites that ask for longer ones than `limits.delay`;
    `logins` are `Authorization` headers by origin, sent nowhere else.
    """

    def __init__(
        self,
        limits: Limits,
        check: AddressCheck,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limits = limits
        self.delays: dict[str, float] = {}
        self.logins: dict[str, str] = {}
        self._network = CheckedNetwork(check)
        self._pool = httpcore2.ConnectionPool(
            network_backend=self._network, max_connections=4, keepalive_expiry=30
        )
        self._sleep = sleep
        self._last: dict[str, float] = {}
        self._lock = threading.RLock()

    def fetch(self, url: str, ask: Ask = _ANYTHING) -> Fetched:
        """The page at a normalised address. Raises FetchError, its `url` where it happened."""
        with self._lock:
            try:
                for _ in range(_MOST_REDIRECTS + 1):
                    ask.check(url)
                    answer = self._patiently(url, ask)
                    if answer.status not in _REDIRECTS:
                        return answer
                    url = _target(answer)
            except FetchError as error:
                error.url = url
                raise
        raise FetchError(f"redirects more than {_MOST_REDIRECTS} times")

    def close(self) -> None:
        """Close all connections; the next request opens new ones."""
        with self._lock:
            self._pool.close()

    def _patiently(self, url: str, ask: Ask) -> Fetched:
        """The answer, asked again where the server is busy, for as long as it says."""
        for attempt in range(self.limits.retries + 1):
            answer = self._politely(url, ask)
            if answer.status not in _BUSY:
                break
            if attempt < self.limits.retries:
                self._sleep(self._pause(answer, attempt))
        if answer.status in {200, NOT_MODIFIED} or answer.status in _REDIRECTS:
            return answer
        raise answered(answer.status)

    def _pause(self, answer: Fetched, attempt: int) -> float:
        asked = retry_after(answer.headers.get("retry-after", ""))
        if asked is None:
            return min(float(max(self.limits.delay, 1.0) * 2**attempt), self.limits.max_wait)
        if asked > self.limits.max_wait:
            raise FetchError(
                f"asks to wait {asked:,.0f} seconds, more than max_wait = "
                f"{self.limits.max_wait:g}; run again later",
                down=True,
                status=answer.status,
            )
        return asked

    def _politely(self, url: str, ask: Ask) -> Fetched:
        place = site(url)
        delay = max(self.limits.delay, self.delays.get(place, 0.0))
        wait = self._last.get(place, float("-inf")) + delay - time.monotonic()
        if wait > 0:
            self._sleep(wait)
        try:
            return self._request(url, ask)
        finally:
            self._last[place] = time.monotonic()

    def _request(self, url: str, ask: Ask) -> Fetched:
        try:
            try:
                return self._once(url, ask)
            except (httpcore2.RemoteProtocolError, httpcore2.ReadError, httpcore2.WriteError):
                return self._once(url, ask)  # a kept connection that was just being closed
        except httpcore2.TimeoutException:
            raise FetchError(
                f"took too long (timeout = {self.limits.timeout:g} s without a byte, "
                f"page_seconds = {self.limits.page_seconds:g} s in all); run again later",
                down=True,
            ) from None
        except (httpcore2.NetworkError, OSError) as error:
            told = f"cannot be reached: {_words(error)}; run again later"
            raise FetchError(told, down=True) from None
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
            told = f"its server broke off or does not speak HTTP ({_words(error)}); run again later"
            raise FetchError(told, down=True) from None

    def _once(self, url: str, ask: Ask) -> Fetched:
        limits = self.limits
        self._network.deadline = time.monotonic() + limits.page_seconds
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), limits.timeout)
        headers = self._headers(url, ask)
        target = _target_of(url)
        with self._pool.stream(
            "GET", target, headers=headers, extensions={"timeout": timeouts}
        ) as response:
            found = Fetched(url, response.status, _readable(response.headers))
            if response.status == 200 and ask.takes(url, found.media_type):
                coding = found.headers.get("content-encoding", "")
                body = read_body(response.iter_stream(), coding, limits.max_bytes)
                return Fetched(url, 200, found.headers, body)
            if response.status != 200:
                _drain(response.iter_stream())
            return found

    def _headers(self, url: str, ask: Ask) -> list[tuple[bytes, bytes]]:
        headers = {
            "Host": site(url),
            "User-Agent": self.limits.user_agent,
            "Accept": "text/html, application/xhtml+xml, */*;q=0.8",
            "Accept-Encoding": "gzip",
            **ask.conditions(url),
        }
        if login := self.logins.get(origin(url)):
            headers["Authorization"] = login
        # An ETag goes back as it came, whatever its bytes are.
        return [
            (name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()
        ]


def _target_of(url: str) -> httpcore2.URL:
    found = URL(url)
    return httpcore2.URL(
        scheme=found.raw_scheme, host=found.raw_host, port=found.port, target=found.raw_path
    )


def _target(answer: Fetched) -> str:
    place = answer.headers.get("location", "")
    with suppress(UnicodeError):  # browsers take it for UTF-8, and servers send that
        place = place.encode("latin-1").decode()
    target = normalised(place, answer.url) if place else None
    if target is None:
        raise FetchError("redirects to what is no http or https address")
    return target


def _readable(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; of several with one name the first counts."""
    found: dict[str, str] = {}
    for name, value in headers:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1").strip())
    return found


def _drain(chunks: Iterable[bytes]) -> None:
    """Read on, within reason, so that the connection can be used again."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > _DRAINED:
            return


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
