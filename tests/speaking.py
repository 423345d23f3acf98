"""An answerer that tells its answer slowly, and notes who listens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

from rag import Answer, Delta, Hit, Query, Rag
from rag.protocols import View

CALLER: ContextVar[str] = ContextVar("caller", default="nobody")


class Speaker:
    """An answerer that tells word by word, as long as it is let."""

    def __init__(self, pause: float = 0.0, words: int = 1_000) -> None:
        self.pause = pause
        self.words = words
        self.told = 0
        self.closed = threading.Event()
        self.callers: set[str] = set()
        self.threads: set[int] = set()

    def answer(self, query: Query, hits: Sequence[Hit], view: View) -> Answer:
        """The answer at once."""
        self.callers.add(CALLER.get())
        time.sleep(self.pause)
        return Answer(query.text, "word " * self.words, False)

    def stream(self, query: Query, hits: Sequence[Hit], view: View) -> Iterator[Delta | Answer]:
        """The answer word by word."""
        try:
            for _ in range(self.words):
                self.callers.add(CALLER.get())
                self.threads.add(threading.get_ident())
                time.sleep(self.pause)
                self.told += 1
                yield Delta("word ")
            yield Answer(query.text, "word " * self.words, False)
        finally:
            self.closed.set()


def speaking(rag: Rag, speaker: Speaker) -> Speaker:
    """`rag` with an answerer of the test's own, as a plug-in would bring it."""
    rag.__dict__["_answerer"] = speaker
    return speaker
