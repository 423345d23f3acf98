"""Connections to chat servers, each exchange with a time at which it is cut off."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2
from httpcore2 import NetworkBackend, NetworkStream

from rag.http import TimedStream

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class TimedNetwork(NetworkBackend):
    """Sockets of which each thread has its own deadline (of `time.monotonic`)."""

    def __init__(self) -> None:
        self._sockets = httpcore2.SyncBackend()
        self._thread = threading.local()

    def until(self, deadline: float) -> None:
        """What the calling thread does from now on ends at `deadline`."""
        self._thread.deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        """A connection to the first of the host's addresses that answers."""
        failed: Exception = httpcore2.ConnectError("no address")
        for address in _addresses(host, port):
            try:
                stream = self._sockets.connect_tcp(
                    address, port, self._left(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
            else:
                return TimedStream(stream, self._left)
        raise failed

    def _left(self, timeout: float | None) -> float:
        left: float = self._thread.deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time for one reply is over")
        return left if timeout is None else min(timeout, left)


def pool(scheme: str, host: str, network: TimedNetwork) -> httpcore2.ConnectionPool:
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
