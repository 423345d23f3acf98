"""Chat models of ours as those of LangChain, streamed and within limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field, PrivateAttr, SkipValidation

from rag.chat.asking import Asker
from rag.chat.langchain import as_chat_model
from rag.chat.settings import Settings
from rag.errors import RequestError
from rag.interop.langchain.building import built
from rag.protocols import ChatModel
from rag.types import Message

_ROLES: Mapping[type[BaseMessage], Literal["system", "user", "assistant"]] = {
    SystemMessage: "system",
    HumanMessage: "user",
    AIMessage: "assistant",
}

# Whoever builds a chain says what is kept, and a local model may need its time.
_PATIENT = Settings(timeout=120, deadline=600, cache=False)


class RagChatModel(BaseChatModel):
    """A chat model of ours in a chain: any registered one by name with its `options`, or built.

    So a chain needs no package of a provider: `RagChatModel(chat="ollama", options={"model":
    "qwen3"})`. It is asked within `settings`: retries, time, whether replies are kept. It knows
    text alone, no tools and no stop words. Raises RequestError for what it cannot do, and what
    the model raises: ChatError, ModelError.
    """

    model_config = ConfigDict(extra="forbid")

    chat: SkipValidation[str | ChatModel]
    options: Mapping[str, Any] = Field(default_factory=dict)
    settings: SkipValidation[Settings] = _PATIENT
    _asker: Asker = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Build the model; a local one is loaded when it is first asked."""
        super().model_post_init(context)
        self._asker = Asker(self._made(), self.settings)

    def _made(self) -> ChatModel:
        if isinstance(self.chat, str):
            made: ChatModel = built("chat", self.chat, self.options)
            return made
        if self.options:
            raise RequestError("'options' are those of a chat model given by name, and it is built")
        return as_chat_model(self.chat)

    @property
    def _llm_type(self) -> str:
        return "ragline"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"fingerprint": self._asker.model.fingerprint}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = self._asker.ask(_asked(messages, stop, kwargs))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(reply.text))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for piece in self._asker.stream(_asked(messages, stop, kwargs)):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
            if run_manager is not None:
                run_manager.on_llm_new_token(piece, chunk=chunk)
            yield chunk


def _asked(
    messages: Sequence[BaseMessage], stop: object, options: Mapping[str, object]
) -> list[Message]:
    refused = ["stop"] * bool(stop) + list(options)
    if refused:
        raise RequestError(f"a RagChatModel does not take '{refused[0]}': give it none")
    return [_message(one) for one in messages]


def _message(message: BaseMessage) -> Message:
    for kind, role in _ROLES.items():
        if isinstance(message, kind):
            return Message(role, str(message.text))
    raise RequestError(
        f"a RagChatModel takes messages of the system, the user and the assistant, and no "
        f"'{message.type}'"
    )
