"""Connections to chat servers, each exchange with a time at which it is cut off."""

from __future__ import annotations

import socket
import threading
import time
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2

from rag.chat.relay import stopped
from rag.http import TimedNetwork, TimedStream

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
# Seconds after which a thread that reads looks whether anybody still waits for it.
_LOOK = 0.1


class ServerStream(TimedStream):
    """A connection that ends soon after nobody waits any more for what is read from it."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to `max_bytes`, as they come."""
        end = time.monotonic() + self._left(timeout)
        while not stopped():
            left = end - time.monotonic()
            try:
                return super().read(max_bytes, max(min(left, _LOOK), 0.001))
            except httpcore2.ReadTimeout:
                if left <= _LOOK:
                    raise
        raise httpcore2.ReadTimeout("nobody waits for it any more")


class ServerNetwork(TimedNetwork):
    """Sockets of which each thread has its own deadline."""

    kind = ServerStream

    def __init__(self) -> None:
        super().__init__(_addresses, lambda: self._thread.deadline)
        self._thread = threading.local()

    def until(self, deadline: float) -> None:
        """What the calling thread does from now on ends at `deadline`, of `time.monotonic`."""
        self._thread.deadline = deadline


def pool(scheme: str, host: str, network: ServerNetwork) -> httpcore2.ConnectionPool:
    """Connections to `host`, through the proxy that the environment names for it.

    Raises ValueError for a proxy of a kind that is not spoken here.
    """
    found = getproxies()
    proxy = found.get(scheme) or found.get("all")
    if not proxy or host in _HERE or proxy_bypass(host):
        return httpcore2.ConnectionPool(network_backend=network, max_connections=None)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"a proxy that speaks {parts.scheme}:// is not supported")
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    place = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return httpcore2.HTTPProxy(
        f"{parts.scheme}://{place}:{parts.port or 80}/",
        proxy_auth=login,
        network_backend=network,
        max_connections=None,
    )


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore2.ConnectError(error.strerror or str(error)) from error
    return list(dict.fromkeys(str(one[4][0]) for one in found))
