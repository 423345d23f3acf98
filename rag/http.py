"""What clients of HTTP share: connections that end in time, and how long a server asks to wait."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore2
from httpcore2 import NetworkBackend, NetworkStream


class TimedStream(NetworkStream):
    """A connection whose every step takes the seconds that `left` gives it, and no more.

    `left` gets the timeout of the step and returns it, or less where the time for the whole is
    nearly over; it raises `httpcore2.ReadTimeout` where it is over. So a body that drips for
    ever ends.
    """

    def __init__(self, stream: NetworkStream, left: Callable[[float | None], float]) -> None:
        self._stream = stream
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to `max_bytes`, as they come."""
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send `buffer`."""
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        """The same connection with TLS, timed too."""
        secured = self._stream.start_tls(ssl_context, server_hostname, self._left(timeout))
        return type(self)(secured, self._left)

    def get_extra_info(self, info: str) -> Any:
        """What the connection underneath tells."""
        return self._stream.get_extra_info(info)


class TimedNetwork(NetworkBackend):
    """Sockets whose every step takes no longer than until `ends()`, of `time.monotonic`.

    `addresses` gives those of a host and port that may be tried, best first.
    """

    kind: type[TimedStream] = TimedStream

    def __init__(
        self, addresses: Callable[[str, int], Iterable[str]], ends: Callable[[], float]
    ) -> None:
        self._sockets = httpcore2.SyncBackend()
        self._addresses = addresses
        self._ends = ends

    def left(self, timeout: float | None) -> float:
        """`timeout` in seconds, or less where the end is nearer."""
        left = self._ends() - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time for one exchange is over")
        return left if timeout is None else min(timeout, left)

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
        for address in self._addresses(host, port):
            try:
                stream = self._sockets.connect_tcp(
                    address, port, self.left(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
            else:
                return self.kind(stream, self.left)
        raise failed


def retry_after(value: str) -> float | None:
    """Seconds from now; None where the header says nothing that can be understood."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None
