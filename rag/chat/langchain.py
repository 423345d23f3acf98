"""Chat models of LangChain, given from Python."""

from __future__ import annotations

import inspect
import json
import re
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rag.chat.answered import TOP, dug, reply_of
from rag.chat.pieces import pieces
from rag.chat.relay import LateError, Tell, relayed
from rag.chat.said import shortened
from rag.chat.settings import AGAIN, PATIENCE
from rag.errors import ChatError, RequestError
from rag.protocols import ChatModel
from rag.types import Message, Reply

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, AIMessageChunk

_T = TypeVar("_T")

_CORE = "langchain_core.language_models"


def as_chat_model(model: object) -> ChatModel:
    """`model` as it is where it is a ChatModel; a `BaseChatModel` of langchain-core adapted.

    Raises RequestError for anything else.
    """
    # Looked at and not asked: to tell its fingerprint, a model may have to read its weights.
    if all(inspect.getattr_static(model, name, None) for name in ("fingerprint", "reply")):
        return cast(ChatModel, model)
    # Who has such a model has imported its package.
    core = sys.modules.get(_CORE)
    if core is not None and isinstance(model, core.BaseChatModel):
        return LangchainChat(model)
    raise RequestError(
        f"an object of type '{type(model).__name__}' is no chat model: give a BaseChatModel of "
        "langchain-core, or an object with 'reply' and 'fingerprint' (rag.protocols.ChatModel)"
    )


class LangchainChat:
    """A `BaseChatModel` of langchain-core as a ChatModel. Threads share it as they may share that.

    Its own retries, limits and callbacks stay in force. LangChain has no way to say how long a
    call may take: one that takes too long is left to itself.
    """

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model

    @property
    def fingerprint(self) -> str:
        """Made of the model's class and of what LangChain takes to identify it."""
        kind = type(self._model)
        named = {name: getattr(self._model, name, None) for name in ("model", "model_name")}
        record = [
            "langchain", kind.__module__, kind.__qualname__, self._model._llm_type,
            named, dict(self._model._identifying_params),
        ]  # fmt: skip
        return json.dumps(record, sort_keys=True, default=str)

    @property
    def repeatable(self) -> bool:
        """Whether the model's temperature is 0."""
        return getattr(self._model, "temperature", None) == 0

    def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
        """The reply to `messages` within `seconds`. Raises ChatError."""
        return self._asked(self._model.invoke, messages, seconds)

    def reply_with_choices(
        self, messages: Sequence[Message], seconds: float | None = None
    ) -> Reply:
        """The same, with the likeliest tokens at each place where the model can be asked."""
        # As models of OpenAI and Ollama name it; what others call it cannot be known here.
        if "top_logprobs" not in type(self._model).model_fields:
            return self.reply(messages, seconds)
        bound = self._model.bind(logprobs=True, top_logprobs=TOP)
        return self._asked(bound.invoke, messages, seconds)

    def stream(self, messages: Sequence[Message], seconds: float | None = None) -> Iterator[str]:
        """The pieces of the reply to `messages`, the last within `seconds`. Raises ChatError.

        When it is closed, LangChain's own stream is closed at its next piece.
        """
        asked, refused = _pairs(messages), self._check_refusal

        def work(tell: Tell[str]) -> None:
            with closing(cast("Generator[AIMessageChunk]", self._model.stream(asked))) as chunks:
                for chunk in chunks:
                    refused(chunk)
                    tell(str(chunk.text))

        empty = True
        for piece in pieces(self._failing(_within(seconds, work))):
            empty = False
            yield piece
        if empty:
            raise ChatError(f"{self._name} answered with an empty text")

    def _asked(
        self, invoke: Callable[..., AIMessage], messages: Sequence[Message], seconds: float | None
    ) -> Reply:
        asked = _pairs(messages)

        def work(tell: Tell[AIMessage]) -> None:
            tell(invoke(asked))

        (found,) = self._failing(_within(seconds, work))
        return self._checked(found)

    def _failing(self, told: Iterator[_T]) -> Iterator[_T]:
        """What is `told`, and what goes wrong with it as an error of ours."""
        try:
            yield from told
        except ChatError:
            raise
        except Exception as error:
            raise self._failure(error) from error

    def _checked(self, found: AIMessage) -> Reply:
        self._check_refusal(found)
        metadata: Mapping[str, Any] = found.response_metadata
        tokens = dug(metadata, "logprobs", "content") or dug(metadata, "logprobs")
        reply = reply_of(str(found.text), tokens)
        if not reply.text and not reply.choices:
            raise ChatError(f"{self._name} answered with an empty text")
        return reply

    def _check_refusal(self, found: AIMessage) -> None:
        refusal = dug(found.additional_kwargs, "refusal")
        if refusal or dug(found.response_metadata, "finish_reason") == "content_filter":
            raise ChatError(f"{self._name} refused: {_line(refusal or 'its filter withheld it')}")

    def _failure(self, error: Exception) -> ChatError:
        told = f"{self._name} failed: {type(error).__name__}: {_line(error)}"
        from rag.http import retry_after

        headers = getattr(getattr(error, "response", None), "headers", None)
        said = headers.get("retry-after", "") if isinstance(headers, Mapping) else ""
        return ChatError(told, again=_passing(error), after=retry_after(said))

    @property
    def _name(self) -> str:
        return f"chat model '{type(self._model).__name__}'"


def _pairs(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [("human" if one.role == "user" else one.role, one.text) for one in messages]


def _within(seconds: float | None, work: Callable[[Tell[_T]], object]) -> Iterator[_T]:
    """What `work` tells, in a thread that nobody waits for longer than `seconds`."""
    seconds = PATIENCE if seconds is None else seconds
    end = time.monotonic() + seconds
    try:
        yield from relayed(work, lambda: end - time.monotonic())
    except LateError:
        raise ChatError(
            f"the chat model did not answer within {seconds:.3g} s", again=True
        ) from None


def _passing(error: Exception) -> bool:
    """Whether another try may help. Every provider has errors of its own, mostly with a status."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status in AGAIN
    named = re.search(r"Timeout|Connection|Connect|RateLimit", type(error).__name__)
    return named is not None or isinstance(error, TimeoutError | ConnectionError)


def _line(words: object) -> str:
    return shortened(" ".join(str(words).split()))
