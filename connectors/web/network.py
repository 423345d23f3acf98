"""Connections to checked addresses, each with a time at which it is cut off."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore2
from httpcore2 import NetworkBackend, NetworkStream

from rag.connectors.web.addresses import AddressCheck


class CheckedNetwork(NetworkBackend):
    """Connects to what `check` lets pass, and to the very address that was checked.

    TLS goes on to verify the certificate for the host's name. Whatever is read or written
    after `deadline` (of `time.monotonic`) times out, so that a body that drips for ever ends.
    """

    def __init__(self, check: AddressCheck) -> None:
        self._check = check
        self._sockets = httpcore2.SyncBackend()
        self.deadline = 0.0

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
        for address in self._check.addresses(host, port):
            try:
                stream = self._sockets.connect_tcp(
                    address, port, self.left(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
            else:
                return _TimedStream(stream, self)
        raise failed

    def left(self, timeout: float | None) -> float:
        """`timeout` in seconds, or less where the deadline is nearer."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time for one page is over")
        return left if timeout is None else min(timeout, left)


class _TimedStream(NetworkStream):
    def __init__(self, stream: NetworkStream, network: CheckedNetwork) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._network.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._network.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        left = self._network.left(timeout)
        return _TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, left), self._network
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
