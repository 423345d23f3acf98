"""One exchange with a chat server: the status, and a body that is read within bounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpcore2

from rag.chat.network import ServerNetwork
from rag.errors import ChatError

# Seconds to wait for the end of a body of which all that matters has been read.
_MOMENT = 0.1


class Exchange:
    """The answer of a server whose body is still to come, until `end` of `time.monotonic`.

    Threads may read from it one after another; whoever reads does so through the same `network`.
    """

    def __init__(
        self,
        response: httpcore2.Response,
        network: ServerNetwork,
        end: float,
        failed: Callable[[str], ChatError],
    ) -> None:
        self.status = response.status
        self.headers = {
            name.decode("latin-1").lower(): value.decode("latin-1").strip()
            for name, value in response.headers
        }
        self._body = iter(response.iter_stream())
        self._network = network
        self._end = end
        self._failed = failed

    def chunks(self, most: int) -> Iterator[bytes]:
        """The body as it comes. Raises ChatError where it has more than `most` bytes."""
        size = 0
        while chunk := self._next():
            size += len(chunk)
            if size > most:
                raise self._failed(f"answered with more than {most:,} bytes")
            yield chunk

    def read(self, most: int) -> bytes:
        """The whole body, within the same bound."""
        return b"".join(self.chunks(most))

    def finish(self) -> None:
        """Pass over what is left, so that the connection can be used again.

        Where that takes more than a moment, the connection is given up.
        """
        self._end = min(self._end, time.monotonic() + _MOMENT)
        with suppress(httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError):
            while self._next():
                pass

    def _next(self) -> bytes:
        # A thread has one deadline for all that it reads, and may read from several.
        self._network.until(self._end)
        for chunk in self._body:
            if chunk:
                return chunk
        return b""
