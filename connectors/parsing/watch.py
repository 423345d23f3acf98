"""An eye on a process while it works: how much memory it holds, and whether time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rag.connectors.parsing.confine import held

_STEP = 0.05
"""Seconds between two looks."""


class Watch(threading.Thread):
    """Watches the process `number` until `stop`; calls `expire` once if `seconds` pass first.

    `peak` is the most writable memory seen, in bytes; 0 where the system does not say.
    """

    def __init__(self, number: int, seconds: float, expire: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._number = number
        self._end = time.monotonic() + seconds
        self._expire = expire
        self._done = threading.Event()

    def run(self) -> None:
        """Look until there is no more to see."""
        while not self._done.wait(max(0, min(_STEP, self._end - time.monotonic()))):
            self.peak = max(self.peak, held(self._number))
            if time.monotonic() >= self._end:
                self._expire()
                return

    def stop(self) -> None:
        """Watch no longer: after this `expire` is not called any more."""
        self._done.set()
        self.join()
