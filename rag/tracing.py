"""What happens while a question is worked on: notes of its stages, and what it may still cost.

Components tell what is worth knowing with `note`, without being handed anything: a call that
failed, a reply that was cut, candidates that were not looked at. Threads that work for a question
must be started with a copy of its context (`contextvars.copy_context`).
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import TypeVar

_T = TypeVar("_T")

_CURRENT: ContextVar[Question | None] = ContextVar("question", default=None)


@dataclass(slots=True)
class Question:
    """One question under way: `calls` made to chat models, and what was not taken yet.

    That is notes, and whether the stage under way `failed`, so that its work is missing.
    """

    calls: int = 0
    notes: list[str] = field(default_factory=list)
    failed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take_notes(self) -> tuple[str, ...]:
        """The notes since they were last taken."""
        with self.lock:
            taken, self.notes = tuple(self.notes), []
        return taken

    def take_failed(self) -> bool:
        """Whether a stage failed since this was last taken."""
        with self.lock:
            taken, self.failed = self.failed, False
        return taken


@contextmanager
def question() -> Iterator[Question]:
    """The question under way; a new one where there is none yet."""
    current = _CURRENT.get()
    if current is not None:
        yield current
        return
    token = _CURRENT.set(current := Question())
    try:
        yield current
    finally:
        _CURRENT.reset(token)


def under_way() -> Question | None:
    """The question under way, if there is one."""
    return _CURRENT.get()


def note(text: str, *, failed: bool = False) -> None:
    """Tell something about the stage under way; where there is none, nobody is told.

    With `failed` the question goes on without what the stage is there for.
    """
    current = _CURRENT.get()
    if current is not None:
        with current.lock:
            current.notes.append(text)
            current.failed |= failed


def isolated(events: Generator[_T]) -> Iterator[_T]:
    """`events`, made in a context of their own, whoever asks for the next one, and from where.

    What goes on around them, other questions among it, neither sees theirs nor is seen.
    """
    context = copy_context()
    over = object()
    try:
        while (event := context.run(next, events, over)) is not over:
            yield event  # type: ignore[misc]  # what is not `over` is an event
    finally:
        context.run(events.close)
