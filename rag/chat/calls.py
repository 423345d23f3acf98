"""The calls of one stage: made by threads, several at once."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from rag.chat.attempts import Attempts
from rag.chat.settings import Settings
from rag.errors import ChatError
from rag.protocols import ChatModel
from rag.tracing import Question
from rag.types import Message, Reply

Asked: TypeAlias = Sequence[Message]

# Seconds that a model may take beyond what it was given before nobody waits for it.
_GRACE = 0.5


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
        self._waiting: queue.SimpleQueue[tuple[int, Asked]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Reply | Exception]] = queue.SimpleQueue()

    def run(self, asked: Sequence[Asked]) -> list[Reply | ChatError]:
        """The reply to each of `asked`, in order, or why there is none.

        A model that does not keep to its seconds is not waited for: its thread is left alone,
        and ends with the process at the latest. Raises what is no ChatError.
        """
        attempts = Attempts(self._settings, self._under_way)
        for task in enumerate(asked):
            self._waiting.put(task)
        for _ in range(min(self._settings.concurrency, len(asked))):
            work = contextvars.copy_context().run
            threading.Thread(target=work, args=(self._work, attempts), daemon=True).start()
        answers: list[Reply | ChatError] = [attempts.late() for _ in asked]
        try:
            for _ in asked:
                number, answer = self._done.get(timeout=max(attempts.left() + _GRACE, 0))
                answers[number] = _checked(answer)
        except queue.Empty:
            pass
        finally:
            attempts.over.set()
        attempts.tell(f"no reply: {one}" for one in answers if isinstance(one, ChatError))
        return answers

    def _work(self, attempts: Attempts) -> None:
        while not attempts.over.is_set():
            try:
                number, asked = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._done.put((number, attempts.patiently(partial(self._asked, asked))))
            except Exception as error:  # noqa: BLE001 raised where somebody waits for it
                self._done.put((number, error))

    def _asked(self, asked: Asked, seconds: float) -> Reply:
        return _usable(self._reply(asked, seconds))


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
