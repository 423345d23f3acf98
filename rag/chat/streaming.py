"""A reply told piece by piece, within the limits of asking."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any, TypeAlias

from rag.chat.attempts import Attempts
from rag.chat.calls import Calls
from rag.chat.relay import Tell, relayed, stopped
from rag.chat.settings import MOST, Settings
from rag.errors import ChatError
from rag.protocols import ChatModel
from rag.tracing import Question
from rag.types import Message

Source: TypeAlias = Callable[[Sequence[Message], float | None], Iterator[str]]
_Begun: TypeAlias = tuple[str, Generator[str]]

_EMPTY = "the chat model answered with an empty text"


def streamed(
    model: ChatModel, settings: Settings, under_way: Question, asked: Sequence[Message]
) -> Generator[str]:
    """The pieces of the reply of `model`; of one that does not stream, the reply.

    The model works in a thread, which is not waited for beyond the limits. Raises ChatError where
    there is no reply, or where it breaks off, does not end, or grows beyond `MOST` characters.
    """
    source = getattr(model, "stream", None)
    if source is None:
        return _whole(model, settings, under_way, asked)
    return _streamed(source, settings, under_way, asked)


def _whole(
    model: ChatModel, settings: Settings, under_way: Question, asked: Sequence[Message]
) -> Generator[str]:
    (answer,) = Calls(model, settings, under_way, choices=False).run([asked])
    if isinstance(answer, ChatError):
        raise answer
    if not answer.text.strip():
        raise ChatError(_EMPTY)
    yield answer.text


def _streamed(
    source: Source, settings: Settings, under_way: Question, asked: Sequence[Message]
) -> Generator[str]:
    attempts = Attempts(settings, under_way)
    failures: list[str] = []
    told = "no reply"
    try:
        first, rest = attempts.patiently(lambda _: _begun(source, attempts, asked))
        told = "no whole reply"
        with closing(rest), attempts.judging(0):
            yield first
            yield from rest
    except ChatError as error:
        failures.append(f"{told}: {error}")
        raise
    finally:
        attempts.tell(failures)


def _begun(source: Source, attempts: Attempts, asked: Sequence[Message]) -> _Begun:
    """The first piece, and those that follow."""
    seconds = attempts.left()

    def work(tell: Tell[str]) -> None:
        _tell_all(source(asked, seconds), tell)

    found = relayed(work, attempts.patience)
    return next(found), found


def _tell_all(given: Iterator[str], tell: Tell[str]) -> None:
    """Tell what a model gives. Programs give models of their own, of any kind."""
    size, blank = 0, True
    try:
        for piece in given:
            if stopped():
                return
            size += len(_checked(piece))
            if size > MOST:
                raise ChatError(f"the chat model's reply has more than {MOST:,} characters")
            blank = blank and not piece.strip()
            if piece:
                tell(piece)
    finally:
        # Nobody else closes it, and where it reads from a server, the server goes on.
        close: Any = getattr(given, "close", None)
        if close is not None:
            close()
    if blank:
        raise ChatError(_EMPTY)


def _checked(piece: object) -> str:
    if type(piece) is not str:
        raise ChatError(
            f"the chat model's 'stream' gave a {type(piece).__name__}, and not a text as a piece"
        )
    return piece
