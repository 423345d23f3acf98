"""Connections to checked addresses, each with a time at which it is cut off."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import httpcore2
from httpcore2 import NetworkBackend, NetworkStream

from rag.connectors.web.addresses import AddressCheck
from rag.http import TimedStream


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
                return TimedStream(stream, self.left)
        raise failed

    def left(self, timeout: float | None) -> float:
        """`timeout` in seconds, or less where the deadline is nearer."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time for one page is over")
        return left if timeout is None else min(timeout, left)
