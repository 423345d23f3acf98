"""Chat models of LangChain as ours, and what is no chat model at all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import ConfigDict, Field

from rag.chat.asking import Asker, Settings
from rag.chat.langchain import LangchainChat, as_chat_model
from rag.errors import ChatError, RequestError
from rag.rag import Rag
from rag.types import Message, Reply

ASKED = [
    Message("system", "Be brief."),
    Message("user", "Who?"),
    Message("assistant", "The keeper."),
    Message("user", "Why {question}?"),
]


class Provider(BaseChatModel):
    """A model as providers write them."""

    message: AIMessage = AIMessage("The keeper.")
    failing: Exception | None = None
    pause: float = 0
    temperature: float | None = 0
    model_name: str = "one"
    logprobs: bool | None = None
    top_logprobs: int | None = None
    seen: list[Any] = Field(default_factory=list)

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @property
    def _llm_type(self) -> str:
        return "provider"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.seen.append((messages, kwargs))
        time.sleep(self.pause)
        if self.failing is not None:
            raise self.failing
        return ChatResult(generations=[ChatGeneration(message=self.message)])


class StatusError(Exception):
    """An error of a provider's library."""

    def __init__(self, status: int, after: str = "") -> None:
        super().__init__(f"Error code: {status}\n- slow down")
        self.status_code = status
        self.response = type("Response", (), {"headers": {"retry-after": after}})()


class APIConnectionError(Exception):
    """Another one."""


def adapted(**options: Any) -> LangchainChat:
    return LangchainChat(Provider(seen=[], **options))


def test_messages_keep_their_roles_and_braces() -> None:
    provider = Provider(seen=[])
    assert LangchainChat(provider).reply(ASKED) == Reply("The keeper.")
    ((messages, options),) = provider.seen
    assert [(one.type, one.content) for one in messages] == [
        ("system", "Be brief."),
        ("human", "Who?"),
        ("ai", "The keeper."),
        ("human", "Why {question}?"),
    ]
    assert "logprobs" not in options


def test_texts_in_parts() -> None:
    parts: list[str | dict[str, Any]] = [
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "text", "text": "The "},
        {"type": "text", "text": "keeper."},
    ]
    assert adapted(message=AIMessage(parts)).reply(ASKED).text == "The keeper."


@pytest.mark.parametrize("nested", [True, False], ids=["openai", "ollama"])
def test_choices(nested: bool) -> None:
    tokens = [
        {
            "token": "Yes",
            "bytes": [89],
            "logprob": -0.1,
            "top_logprobs": [
                {"token": "Yes", "bytes": [89], "logprob": -0.1},
                {"token": "No", "bytes": None, "logprob": -2.4},
            ],
        }
    ]
    logprobs = {"content": tokens, "refusal": None} if nested else tokens
    message = AIMessage("Yes", response_metadata={"logprobs": logprobs})
    provider = Provider(seen=[], message=message)
    reply = LangchainChat(provider).reply_with_choices(ASKED)
    assert reply == Reply("Yes", ({"Yes": -0.1, "No": -2.4},))
    assert provider.seen[0][1]["logprobs"] is True
    assert provider.seen[0][1]["top_logprobs"] == 20


def test_models_that_know_no_choices() -> None:
    model = LangchainChat(FakeListChatModel(responses=["yes"]))
    assert model.reply_with_choices(ASKED) == Reply("yes")


@pytest.mark.parametrize(
    ("error", "again", "after"),
    [
        (StatusError(429, "7"), True, 7.0),
        (StatusError(503), True, None),
        (StatusError(400), False, None),
        (APIConnectionError("gone"), True, None),
        (TimeoutError(), True, None),
        (ValueError("no such model"), False, None),
    ],
)
def test_failures(error: Exception, again: bool, after: float | None) -> None:
    with pytest.raises(ChatError) as caught:
        adapted(failing=error).reply(ASKED)
    assert caught.value.again is again
    assert caught.value.after == after
    assert f"'Provider' failed: {type(error).__name__}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (AIMessage(" "), "empty text"),
        (AIMessage("", additional_kwargs={"refusal": "I can't."}), "refused: I can't."),
        (AIMessage("", response_metadata={"finish_reason": "content_filter"}), "refused: its filt"),
    ],
)
def test_no_reply(message: AIMessage, words: str) -> None:
    with pytest.raises(ChatError, match=words) as caught:
        adapted(message=message).reply(ASKED)
    assert not caught.value.again


def test_time_is_bounded() -> None:
    started = time.monotonic()
    with pytest.raises(ChatError, match=r"did not answer within 0\.1 s") as caught:
        adapted(pause=1).reply(ASKED, 0.1)
    assert time.monotonic() - started < 0.8
    assert caught.value.again


def test_fingerprints_tell_models_apart() -> None:
    assert adapted().fingerprint == adapted().fingerprint
    assert adapted().fingerprint != adapted(model_name="two").fingerprint
    one, two = (FakeListChatModel(responses=[text]) for text in "ab")
    assert LangchainChat(one).fingerprint != LangchainChat(two).fingerprint


def test_only_temperature_0_is_taken_to_repeat_itself() -> None:
    assert adapted().repeatable
    assert not adapted(temperature=None).repeatable
    assert not LangchainChat(FakeListChatModel(responses=["a"])).repeatable


def test_what_is_taken_as_a_chat_model() -> None:
    class Own:
        fingerprint = "own"

        def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
            return Reply("own")

    own = Own()
    assert as_chat_model(own) is own
    assert isinstance(as_chat_model(Provider()), LangchainChat)
    for wrong in (object(), "gpt", 7, lambda text: text):
        with pytest.raises(RequestError, match="is no chat model: give a BaseChatModel of lang"):
            as_chat_model(wrong)


def test_what_was_given_is_named() -> None:
    with pytest.raises(RequestError, match="an object of type 'int' is no chat model"):
        as_chat_model(7)


def test_a_fingerprint_is_not_asked_for() -> None:
    class Heavy:
        @property
        def fingerprint(self) -> str:
            raise AssertionError("reads gigabytes")

        def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
            return Reply("own")

    heavy = Heavy()
    assert as_chat_model(heavy) is heavy


def test_asked_like_any_other() -> None:
    model = as_chat_model(FakeListChatModel(responses=["a", "b", "c"]))
    answers = Asker(model, Settings(concurrency=1)).ask_all([ASKED] * 3)
    assert answers == [Reply("a"), Reply("b"), Reply("c")]


def test_rag_takes_one(tmp_path: Any) -> None:
    with pytest.raises(RequestError, match="is no chat model"):
        Rag.open(tmp_path / ".rag", chat=object())  # type: ignore[arg-type]
    Rag.open(tmp_path / ".rag", chat=FakeListChatModel(responses=["a"])).close()
