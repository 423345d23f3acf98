"""Where a program's files are parsed: in processes that are there while there is work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

# Every index has one of these, and few questions make anything be parsed.
if TYPE_CHECKING:
    from rag.connectors.formats.format import Format, Parsed
    from rag.connectors.parsing.pool import ParserPool

# Threads that fetch documents, and wait for what is parsed elsewhere.
_LOADERS = 8


class Parsers:
    """Parses in `workers` processes (None: one for each core), or with 0 in this one.

    Threads may share it. The processes start when something is first parsed, and end when no
    thread is within `kept` any more.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._pool: ParserPool | None = None
        self._keepers = 0

    @property
    def threads(self) -> int:
        """How many threads should load documents: one where they are parsed in this process."""
        return 1 if self._workers == 0 else _LOADERS

    def parse(self, reader: Format, data: bytes, name: str) -> Parsed:
        """What `reader` makes of `data`: see `Parse`. Raises DocumentError."""
        if self._workers == 0:
            from rag.connectors.parsing.here import parse_here

            return parse_here(reader, data, name)
        from rag.connectors.parsing.pool import ParserPool

        with self._lock:
            pool = self._pool = self._pool or ParserPool(workers=self._workers)
        return pool.parse(reader, data, name)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the processes from one file to the next."""
        with self._lock:
            self._keepers += 1
        try:
            yield
        finally:
            with self._lock:
                self._keepers -= 1
                last = not self._keepers
            if last:
                self.close()

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()
