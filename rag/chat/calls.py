"""The calls of one stage: made by threads, counted, made again where it may help, told about."""

from __future__ import annotations

import contextvars
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from rag.chat.settings import Settings
from rag.errors import ChatError, RagError
from rag.protocols import ChatModel
from rag.tracing import Question, note
from rag.types import Message, Reply

Asked: TypeAlias = Sequence[Message]

# Seconds that waiting between two attempts grows to.
_LONGEST_WAIT = 8.0
# Seconds that a model may take beyond what it was given before nobody waits for it.
_GRACE = 0.5
# Seconds to the deadline that are none: whoever reads from a server may stop a little before.
_OVER = 0.05
# Kinds of lines told of one stage, and characters of each.
_LINES = 5
_LENGTH = 240


class Calls:
    """Calls to `model` for the question `under_way`, all of them before the deadline.

    With `choices` replies are asked for with the probabilities of their tokens.
    """

    def __init__(
        self, model: ChatModel, settings: Settings, under_way: Question, *, choices: bool
    ) -> None:
        self._settings = settings
        self._under_way = under_way
        wanted = getattr(model, "reply_with_choices", None) if choices else None
        self._reply = wanted or model.reply
        self._end = 0.0
        self._over = threading.Event()
        self._waiting: queue.SimpleQueue[tuple[int, Asked]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Reply | Exception]] = queue.SimpleQueue()
        self._told: Counter[str] = Counter()
        self._lock = threading.Lock()

    def run(self, asked: Sequence[Asked]) -> list[Reply | ChatError]:
        """The reply to each of `asked`, in order, or why there is none.

        A model that does not keep to its seconds is not waited for: its thread is left alone,
        and ends with the process at the latest. Raises what is no ChatError.
        """
        self._end = time.monotonic() + self._settings.deadline
        for task in enumerate(asked):
            self._waiting.put(task)
        for _ in range(min(self._settings.concurrency, len(asked))):
            work = contextvars.copy_context().run
            threading.Thread(target=work, args=(self._work,), daemon=True).start()
        answers: list[Reply | ChatError] = [self._late() for _ in asked]
        try:
            for _ in asked:
                number, answer = self._done.get(timeout=max(self._left() + _GRACE, 0))
                answers[number] = _checked(answer)
        except queue.Empty:
            pass
        finally:
            self._over.set()
        self._tell(answers)
        return answers

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                number, asked = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._done.put((number, self._patiently(asked)))
            except Exception as error:  # noqa: BLE001 raised where somebody waits for it
                self._done.put((number, error))

    def _patiently(self, asked: Asked) -> Reply:
        """The reply, asked for again where that may help and there is time."""
        attempt = 0
        while True:
            try:
                return self._once(asked)
            except ChatError as error:
                if not error.again or attempt == self._settings.retries:
                    raise
                self._pause(error, attempt)
            attempt += 1

    def _once(self, asked: Asked) -> Reply:
        seconds = min(self._settings.timeout, self._left())
        if seconds <= 0 or self._over.is_set():
            raise self._late()
        self._count()
        try:
            reply = self._reply(asked, seconds)
        except ChatError as error:
            # Of the seconds that were left nobody knows, of the deadline whoever set it.
            if error.again and seconds < self._settings.timeout and self._left() <= _OVER:
                raise self._late() from error
            raise
        except RagError:
            raise
        except Exception as error:
            words = " ".join(str(error).split())
            raise ChatError(f"the chat model failed: {type(error).__name__}: {words}") from error
        return _usable(reply)

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
        if seconds >= self._left():
            raise ChatError(f"{error}; no time is left to ask again") from error
        with self._lock:
            self._told[f"asked again: {error}"] += 1
        self._over.wait(seconds)

    def _left(self) -> float:
        return self._end - time.monotonic()

    def _late(self) -> ChatError:
        return ChatError(f"the deadline of {self._settings.deadline:g} s is over")

    def _tell(self, answers: Sequence[Reply | ChatError]) -> None:
        """Note what went wrong, a line for each kind."""
        with self._lock:
            told = self._told
            told.update(f"no reply: {one}" for one in answers if isinstance(one, ChatError))
        for line, times in list(told.items())[:_LINES]:
            note(_short(line) + (f" ({times} times)" if times > 1 else ""))
        if len(told) > _LINES:
            note(f"and {len(told) - _LINES} other failures of the chat model")


def _usable(reply: object) -> Reply:
    """`reply` where it is one with a text. Programs give models of their own, of any kind."""
    if not isinstance(reply, Reply) or type(reply.text) is not str:
        raise ChatError(
            f"the chat model's 'reply' returned a {type(reply).__name__}, and not a Reply with a "
            "text (rag.types.Reply)"
        )
    if not reply.text.strip() and not reply.choices:
        raise ChatError("the chat model answered with an empty text")
    return reply


def _checked(answer: Reply | Exception) -> Reply | ChatError:
    if isinstance(answer, Reply | ChatError):
        return answer
    raise answer


def _short(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= _LENGTH else f"{line[: _LENGTH - 3]}..."
