"""Chat models of an Ollama server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from rag.chat.address import fault
from rag.chat.answered import TOP, dug, reply_of, text_at, told_cut
from rag.chat.told import Part, reply_told
from rag.errors import RequestError
from rag.types import Message, Reply

if TYPE_CHECKING:
    from rag.chat.server import Server


class OllamaChat:
    """`model` of an Ollama server at `base_url`, by Ollama's own interface.

    `context` is the tokens of prompt and reply that the server makes room for: without it the
    server decides, and cuts what is longer without a word. `think` asks models that think to do
    so before they reply; with `null` the server decides.
    """

    def __init__(
        self,
        *,
        model: Annotated[str, Field(min_length=1)],
        base_url: str = "http://localhost:11434",
        temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0,
        max_tokens: Annotated[int, Field(ge=1)] | None = 1024,
        seed: int | None = None,
        context: Annotated[int, Field(ge=256)] | None = None,
        think: bool | None = False,
    ) -> None:
        if told := fault(base_url):
            raise RequestError(told)
        self._model = model
        self._base_url = base_url.rstrip("/")
        self._think = think
        self._most = max_tokens
        self._options = {
            "temperature": temperature,
            "num_predict": max_tokens,
            "seed": seed,
            "num_ctx": context,
        }

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """What is wrong with options: an address that is none."""
        if told := fault(options["base_url"]):
            yield "base_url", told

    @property
    def fingerprint(self) -> str:
        """The address, the model and what shapes its replies."""
        shape = [*self._options.values(), self._think]
        return json.dumps(["ollama", self._base_url, self._model, *shape])

    @property
    def repeatable(self) -> bool:
        """Whether the same messages get the same reply, as far as settings can tell."""
        return self._options["temperature"] == 0

    def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
        """The reply to `messages` within `seconds`. Raises ChatError."""
        found = self._server.post("/api/chat", self._body(messages), seconds)
        if dug(found, "done_reason") == "length":
            told_cut(f"max_tokens = {self._most}")
        return self._checked(found)

    def reply_with_choices(
        self, messages: Sequence[Message], seconds: float | None = None
    ) -> Reply:
        """The same, with the 20 likeliest tokens at each place; since Ollama 0.12.11."""
        from rag.chat.server import MOST_WITH_CHOICES

        body = {**self._body(messages), "logprobs": True, "top_logprobs": TOP}
        return self._checked(self._server.post("/api/chat", body, seconds, MOST_WITH_CHOICES))

    def stream(self, messages: Sequence[Message], seconds: float | None = None) -> Iterator[str]:
        """The pieces of the reply to `messages`, the last within `seconds`. Raises ChatError."""
        from rag.chat.events import lines

        server, body = self._server, {**self._body(messages), "stream": True}
        with server.exchange("/api/chat", body, seconds) as exchange:
            yield from reply_told(server, lines(server, exchange), self._part, self._most)
            exchange.finish()

    def _part(self, record: Any) -> Part:
        """What a piece of a reply tells. Raises ChatError."""
        text, done = dug(record, "message", "content"), dug(record, "done")
        if not done and not isinstance(dug(record, "message"), dict):
            raise self._server.failed("answered with what is no message of a chat", again=True)
        ended = str(dug(record, "done_reason") or "stop") if done else ""
        return Part(text if isinstance(text, str) else "", ended=ended)

    def _checked(self, found: Any) -> Reply:
        """The reply in what the server answered. Raises ChatError where there is none."""
        if not isinstance(dug(found, "message"), dict):
            raise self._server.failed("answered with what is no message of a chat", again=True)
        reply = reply_of(text_at(found, "message", "content"), dug(found, "logprobs"))
        if not reply.text and not reply.choices:
            raise self._server.failed("answered with an empty text")
        return reply

    def _body(self, messages: Sequence[Message]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": one.role, "content": one.text} for one in messages],
            "stream": False,
            "options": {name: value for name, value in self._options.items() if value is not None},
        }
        return body if self._think is None else {**body, "think": self._think}

    @cached_property
    def _server(self) -> Server:
        from rag.chat.server import Server

        return Server(self._base_url, self._model)
