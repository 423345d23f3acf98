"""Attempts to ask a chat model: counted, made again where it may help, told about."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rag.chat.relay import LateError
from rag.chat.said import shortened
from rag.chat.settings import Settings
from rag.errors import ChatError, RagError
from rag.tracing import Question, note

_T = TypeVar("_T")

# Seconds that waiting between two attempts grows to.
_LONGEST_WAIT = 8.0
# Seconds to the deadline that are none: whoever reads from a server may stop a little before.
_OVER = 0.05
# Kinds of lines told of one stage, and characters of each.
_LINES = 5
_LENGTH = 240


class Attempts:
    """Attempts for the question `under_way`, all of them before a deadline that starts now.

    Threads may share them. Once `over` is set, none begins any more.
    """

    def __init__(self, settings: Settings, under_way: Question) -> None:
        self._settings = settings
        self._under_way = under_way
        self._end = time.monotonic() + settings.deadline
        self._told: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.over = threading.Event()

    def left(self) -> float:
        """Seconds to the deadline."""
        return self._end - time.monotonic()

    def patience(self) -> float:
        """Seconds that a model may keep silent."""
        return min(self._settings.timeout, self.left())

    def late(self) -> ChatError:
        """The error of whoever met the deadline."""
        return ChatError(
            f"the deadline of {self._settings.deadline:g} s for the chat model is over: raise "
            "'deadline' where it needs longer"
        )

    def patiently(self, call: Callable[[float], _T]) -> _T:
        """What `call` returns within the seconds it is given.

        It is made again where that may help and there is time. Raises ChatError.
        """
        attempt = 0
        while True:
            try:
                return self._once(call)
            except ChatError as error:
                if not error.again or attempt == self._settings.retries:
                    raise
                self._pause(error, attempt)
            attempt += 1

    @contextmanager
    def judging(self, given: float) -> Iterator[None]:
        """Make what a model raises here an error of ours, and of the deadline where it is one.

        `given` is the seconds that the model has.
        """
        try:
            yield
        except LateError:
            if self.left() <= _OVER:
                raise self.late() from None
            told = f"the chat model told nothing for {self._settings.timeout:g} s"
            told += ": raise 'timeout' where it needs longer"
            raise ChatError(told, again=True) from None
        except ChatError as error:
            # Of the seconds that were left nobody knows, of the deadline whoever set it.
            if error.again and given < self._settings.timeout and self.left() <= _OVER:
                raise self.late() from error
            raise
        except RagError:
            raise
        except Exception as error:
            words = " ".join(str(error).split())
            raise ChatError(f"the chat model failed: {type(error).__name__}: {words}") from error

    def tell(self, failures: Iterable[str]) -> None:
        """Note what went wrong and what `failures` say, a line for each kind."""
        with self._lock:
            told = self._told
            told.update(failures)
        for line, times in list(told.items())[:_LINES]:
            often = f" ({times} times)" if times > 1 else ""
            note(shortened(" ".join(line.split()), _LENGTH) + often)
        if len(told) > _LINES:
            note(f"and {len(told) - _LINES} other failures of the chat model")

    def _once(self, call: Callable[[float], _T]) -> _T:
        seconds = self.patience()
        if seconds <= 0 or self.over.is_set():
            raise self.late()
        self._count()
        with self.judging(seconds):
            return call(seconds)

    def _count(self) -> None:
        budget = self._settings.budget
        with self._under_way.lock:
            if self._under_way.calls >= budget:
                raise ChatError(f"the budget of {budget} calls a question is used up")
            self._under_way.calls += 1

    def _pause(self, error: ChatError, attempt: int) -> None:
        """Wait before the next attempt. Raises `error` anew where there is no time for it."""
        # Half of it is drawn, so that calls that failed together do not come back together.
        longest = min(self._settings.backoff * 2**attempt, _LONGEST_WAIT)
        drawn = longest * random.uniform(0.5, 1)
        seconds = drawn if error.after is None else error.after + drawn / 10
        if seconds >= self.left():
            raise ChatError(f"{error}; no time is left to ask again") from error
        with self._lock:
            self._told[f"asked again: {error}"] += 1
        self.over.wait(seconds)
