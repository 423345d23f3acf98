"""Work that is given up before its end, with what it has under way in gatherers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Seconds that whoever gives up waits for what is under way.
_PATIENCE = 10.0
_CURRENT: ContextVar[Ending | None] = ContextVar("ending", default=None)


class Ending:
    """Whether the work of some threads is given up: what they wait for is not begun then.

    What they have begun is waited for, as a program that ends within a model's own code ends
    badly.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._working = 0
        self.given_up = False

    @classmethod
    def current(cls) -> Ending | None:
        """That of this thread, where it has one."""
        return _CURRENT.get()

    @contextmanager
    def over_this(self) -> Iterator[None]:
        """What this thread does in the block may be given up."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    @contextmanager
    def working(self) -> Iterator[None]:
        """In the block something is under way that has to come to its end."""
        with self._changed:
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def give_up(self) -> None:
        """Begin nothing more, and wait for what is under way, ten seconds at most."""
        with self._changed:
            self.given_up = True
            self._changed.wait_for(lambda: not self._working, _PATIENCE)
