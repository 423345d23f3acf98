"""Chat models behind the interface of OpenAI, which most servers speak."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from rag.chat.address import fault
from rag.chat.answered import TOP, dug, reply_of, text_at, told_cut
from rag.chat.told import Part, check_refusal, reply_told
from rag.errors import RequestError
from rag.types import Message, Reply

if TYPE_CHECKING:
    from rag.chat.server import Server

_OPENAI = "api.openai.com"


class OpenAIChat:
    """`model` of any server that speaks the chat completions of OpenAI, at `base_url`.

    vLLM, llama.cpp, Ollama (`http://localhost:11434/v1`) and many others do. The default is
    OpenAI itself: questions, and passages where they are part of a prompt, then leave this
    machine. The key is read from the environment variable `key_env` and sent where it is set;
    only OpenAI itself cannot do without. `temperature` and `max_tokens` are sent unless they are
    `null`, for models that refuse them. Redirects are not followed, and a proxy is used where
    the environment names one.
    """

    def __init__(
        self,
        *,
        model: Annotated[str, Field(min_length=1)],
        base_url: str = "https://api.openai.com/v1",
        key_env: Annotated[str, Field(min_length=1)] = "OPENAI_API_KEY",
        temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0,
        max_tokens: Annotated[int, Field(ge=1)] | None = 1024,
        seed: int | None = None,
    ) -> None:
        if told := fault(base_url):
            raise RequestError(told)
        self._model = model
        self._base_url = base_url.rstrip("/")
        self._host = urlsplit(base_url).hostname
        self._key = _key(key_env, self._host == _OPENAI)
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._seed = seed

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """What is wrong with options: an address that is none."""
        if told := fault(options["base_url"]):
            yield "base_url", told

    @property
    def fingerprint(self) -> str:
        """The address, the model and what shapes its replies; never the key."""
        shape = [self._temperature, self._max_tokens, self._seed]
        return json.dumps(["openai", self._base_url, self._model, *shape])

    @property
    def repeatable(self) -> bool:
        """Whether the same messages get the same reply, as far as settings can tell."""
        return self._temperature == 0

    def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
        """The reply to `messages` within `seconds`. Raises ChatError."""
        found = self._server.post("/chat/completions", self._body(messages), seconds)
        if dug(found, "choices", 0, "finish_reason") == "length":
            told_cut(f"max_tokens = {self._max_tokens}")
        return self._checked(found)

    def reply_with_choices(
        self, messages: Sequence[Message], seconds: float | None = None
    ) -> Reply:
        """The same, with the 20 likeliest tokens at each place where the server tells them."""
        from rag.chat.server import MOST_WITH_CHOICES

        body = {**self._body(messages), "logprobs": True, "top_logprobs": TOP}
        found = self._server.post("/chat/completions", body, seconds, MOST_WITH_CHOICES)
        return self._checked(found)

    def stream(self, messages: Sequence[Message], seconds: float | None = None) -> Iterator[str]:
        """The pieces of the reply to `messages`, the last within `seconds`. Raises ChatError.

        The reply of a server that cannot stream is one piece.
        """
        from rag.chat.events import events

        server, body = self._server, {**self._body(messages), "stream": True}
        with server.exchange("/chat/completions", body, seconds) as exchange:
            yield from reply_told(server, events(server, exchange), self._part, self._max_tokens)
            exchange.finish()

    def _part(self, record: Any) -> Part:
        """What a piece of a completion tells, or a whole completion. Raises ChatError."""
        choice, whole = dug(record, "choices", 0), dug(record, "choices", 0, "message")
        ended = dug(choice, "finish_reason") or ("" if whole is None else "stop")
        said = dug(choice, "delta") if whole is None else whole
        # Some records tell what was used, or that this is the end, and nothing else.
        silent = choice is None and (dug(record, "usage") or dug(record, "choices") == [])
        if not isinstance(said, dict) and not ended and not silent:
            raise self._server.failed("answered with what is no chat completion", again=True)
        text, refusal = dug(said, "content"), dug(said, "refusal")
        return Part(
            text if isinstance(text, str) else "",
            refusal if isinstance(refusal, str) else "",
            str(ended),
        )

    def _checked(self, found: Any) -> Reply:
        """The reply in what the server answered. Raises ChatError where there is none."""
        choice = dug(found, "choices", 0)
        if not isinstance(dug(choice, "message"), dict):
            raise self._server.failed("answered with what is no chat completion", again=True)
        refusal = text_at(choice, "message", "refusal")
        check_refusal(self._server, refusal, dug(choice, "finish_reason"))
        reply = reply_of(text_at(choice, "message", "content"), dug(choice, "logprobs", "content"))
        if not reply.text and not reply.choices:
            raise self._server.failed("answered with an empty text")
        return reply

    def _body(self, messages: Sequence[Message]) -> dict[str, Any]:
        # OpenAI's newer models know the limit by its newer name alone, and others by the older.
        limit = "max_completion_tokens" if self._host == _OPENAI else "max_tokens"
        shape = {"temperature": self._temperature, limit: self._max_tokens, "seed": self._seed}
        return {
            "model": self._model,
            "messages": [{"role": one.role, "content": one.text} for one in messages],
            "stream": False,
            **{name: value for name, value in shape.items() if value is not None},
        }

    @cached_property
    def _server(self) -> Server:
        from rag.chat.server import Server

        return Server(self._base_url, self._model, self._key)


def _key(variable: str, required: bool) -> str:
    key = os.environ.get(variable, "").strip()
    if not key and required:
        raise RequestError(
            f"the environment variable {variable} holds no key for {_OPENAI}: set it, or name "
            "another server with 'base_url'"
        )
    if re.fullmatch(r"[!-~]*", key) is None:
        raise RequestError(
            f"what the environment variable {variable} holds cannot be a key: it has spaces or "
            "letters beyond ASCII"
        )
    return key
