"""Parsing in other processes, each file within limits of time and memory."""

from __future__ import annotations

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import TracebackType
from typing import Self

from rag import registry
from rag.connectors.formats.format import Format, Parsed
from rag.connectors.parsing.child import Child, StoppedError
from rag.cores import cores
from rag.errors import DocumentError, RequestError

_GROWTH = 0.25
"""Share of the memory that a process may hold between two files."""


class ParserPool:
    """Parses files in `workers` processes (None: one for each core), in place of `parse_here`.

    `seconds` is wall time and `memory` is bytes, for each file; `characters` bounds the text of
    one. Processes start when they are first needed, and are replaced after `files` files. Close
    the pool after use, or use it in a `with` statement.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        seconds: float = 60,
        memory: int = 2_000_000_000,
        characters: int = 100_000_000,
        files: int = 500,
    ) -> None:
        if workers is not None and workers < 1:
            raise RequestError(f"workers is {workers}; it must be 1 or more")
        self._seconds = seconds
        self._memory = memory
        self._characters = characters
        self._files = files
        self._closed = False
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._children: set[Child] = set()
        self._turns = threading.BoundedSemaphore(workers or cores())
        # A child dies with the thread that started it: this one lives as long as the pool.
        self._starter = ThreadPoolExecutor(1, "rag-parsers")
        self._folder = tempfile.TemporaryDirectory(prefix="ragline-")

    def parse(self, reader: Format, data: bytes, name: str) -> Parsed:
        """What `reader` makes of `data`. Raises DocumentError, whatever goes wrong with the file.

        May be called from any thread; waits while all processes are busy. `reader` must be a
        registered format, as the other process has to find it. Raises SourceError where no
        process can be started.
        """
        registered = _registered(type(reader))
        if registered is None or _state(reader) != _state(type(reader)()):
            told = f"{reader.name} is no registered format and cannot be read in another process"
            raise DocumentError(f"{told}; register it under 'rag.formats'")
        with self._turns:
            return self._parse(registered, data, name)

    def close(self) -> None:
        """End all processes now; whoever waits for one gets a DocumentError."""
        with self._lock:
            self._closed = True
            children = list(self._children)
            self._children.clear()
            self._idle.clear()
        for child in children:
            child.end()
        self._starter.shutdown()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _parse(self, registered: str, data: bytes, name: str) -> Parsed:
        while True:
            child = self._take()
            used = child.parsed > 0
            try:
                return child.parse(registered, data, name, self._seconds)
            except StoppedError as error:
                # What earlier files left behind may be to blame: only a fresh process is
                # believed when it fails.
                if not (used and error.again) and not self._closed:
                    raise
            finally:
                self._put(child)

    def _take(self) -> Child:
        with self._lock:
            if self._closed:
                raise DocumentError("was not read: reading has been stopped")
            if self._idle:
                return self._idle.pop()
            starting = self._starter.submit(self._start)
        child = starting.result()
        try:
            child.greet()
        except BaseException:
            self._put(child)
            raise
        return child

    def _start(self) -> Child:
        child = Child(self._folder.name, self._memory, self._characters)
        with self._lock:
            self._children.add(child)
        return child

    def _put(self, child: Child) -> None:
        spent = child.parsed >= self._files or child.grown > _GROWTH * self._memory
        with self._lock:
            if child.alive and not spent and not self._closed:
                self._idle.append(child)
                return
            self._children.discard(child)
        child.end()


@cache
def _registered(kind: type) -> str | None:
    """The name that a class of formats is registered by."""
    names = registry.names("format")
    return next((name for name in names if registry.load("format", name) is kind), None)


def _state(reader: Format) -> dict[str, object]:
    return dict(getattr(reader, "__dict__", {}))
