"""Chat models that say what a test wants, and note what they were asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from rag.types import Message, Reply


class Scripted:
    """Answers with what `say` makes of the last message."""

    fingerprint = "scripted"

    def __init__(self, say: Callable[[str], str] | str) -> None:
        self._say = say
        self._lock = threading.Lock()
        self.asked: list[Sequence[Message]] = []

    def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
        """The answer. What `say` raises is raised."""
        with self._lock:
            self.asked.append(messages)
        text = self._say if isinstance(self._say, str) else self._say(messages[-1].text)
        return Reply(text)


def failing(_: str) -> str:
    """A model that is not there."""
    raise ConnectionError("refused")
