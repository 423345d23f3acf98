"""Replies streamed by models of the transformers library and of LangChain."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from causal_models import save_causal
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field

from rag.chat.asking import Asker, Settings
from rag.chat.growing import GrowingText
from rag.chat.langchain import LangchainChat
from rag.chat.local import TransformersChat
from rag.errors import ChatError, ModelError
from rag.protocols import StreamingModel
from rag.tracing import question
from rag.types import Message

ASKED = [Message("system", "Be brief."), Message("user", "Who lights the lamp?")]
QUICK = Settings(cache=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_causal(tmp_path_factory.mktemp("causal") / "plain")


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_causal(tmp_path_factory.mktemp("causal") / "long", length=100_000)


def chat(folder: Path, tokens: int = 40) -> TransformersChat:
    return TransformersChat(model=str(folder), max_tokens=tokens, device="cpu")


@pytest.mark.parametrize("tokens", [1, 6, 60])
def test_a_local_model_streams_what_it_replies(folder: Path, tokens: int) -> None:
    model = chat(folder, tokens)
    assert isinstance(model, StreamingModel)
    with question() as asked:
        whole, told = model.reply(ASKED), asked.take_notes()
        pieces = list(model.stream(ASKED))
        assert asked.take_notes() == told == (f"a reply was cut off at max_tokens = {tokens}",)
    assert "".join(pieces) == whole.text
    assert all(pieces)
    assert len(pieces) > tokens / 4


def test_a_local_model_stops_when_nobody_listens(long: Path) -> None:
    model = chat(long, 90_000)
    with closing(cast("Generator[str]", model.stream(ASKED))) as pieces:
        next(pieces)
        assert model._lock.locked()
    assert model._lock.acquire(timeout=10)
    model._lock.release()
    with closing(cast("Generator[str]", Asker(model, QUICK).stream(ASKED))) as pieces:
        next(pieces)
        assert model._lock.locked()
    assert model._lock.acquire(timeout=10)
    model._lock.release()


def test_a_local_model_keeps_to_its_time(long: Path) -> None:
    model = chat(long, 90_000)
    next(iter(model.stream(ASKED)))
    started, told = time.monotonic(), list[str]()
    with pytest.raises(ChatError, match="did not end within the time"):
        told.extend(model.stream(ASKED, 0.5))
    assert time.monotonic() - started < 5


def test_a_local_model_replies_to_one_at_a_time(folder: Path) -> None:
    model = chat(folder)
    whole = model.reply(ASKED).text
    found: list[str] = []

    def read() -> None:
        found.append("".join(model.stream(ASKED)))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [whole] * 4
    with model._lock, pytest.raises(ChatError, match=r"is busy|did not end"):
        next(iter(model.stream(ASKED, 0.1)))


def test_a_local_model_that_cannot_be_had(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ModelError, match="a folder without a model"):
        list(chat(tmp_path).stream(ASKED))
    with pytest.raises(ChatError, match="the prompt has"):
        list(chat(folder).stream([Message("user", "lamp " * 500)]))


def _shown(data: bytes) -> str:
    return data.decode("utf-8", "replace")


@given(st.lists(st.sampled_from(["é", "灯", "😀", "a", " ", "\n", "\ufffd"]), max_size=20))
def test_text_that_grows_byte_by_byte(characters: list[str]) -> None:
    import torch

    told: list[str] = []
    growing = GrowingText(lambda tokens: _shown(bytes(tokens)), told.append)
    growing.put(torch.tensor([[1, 2, 3]]))
    for byte in "".join(characters).encode():
        growing.put(torch.tensor([byte]))
    growing.end()
    assert "".join(told) == "".join(characters)


class Provider(BaseChatModel):
    """A model that streams, as providers write them."""

    made: Callable[[], Iterator[AIMessageChunk]]
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
        return ChatResult(generations=[ChatGeneration(message=AIMessage("not asked for"))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self.seen.append(messages)
        for message in self.made():
            yield ChatGenerationChunk(message=message)


def adapted(*chunks: str | AIMessageChunk | Exception) -> LangchainChat:
    def made() -> Iterator[AIMessageChunk]:
        for one in chunks:
            if isinstance(one, Exception):
                raise one
            yield AIMessageChunk(content=one) if isinstance(one, str) else one

    return LangchainChat(Provider(made=made, seen=[]))


def failing(model: LangchainChat, seconds: float = 5) -> tuple[list[str], ChatError]:
    told: list[str] = []
    with pytest.raises(ChatError) as caught:
        for piece in model.stream(ASKED, seconds):
            told.append(piece)
    return told, caught.value


def test_langchain_streams() -> None:
    model = adapted(" The ", "", "keeper", ".\n")
    assert isinstance(model, StreamingModel)
    assert list(model.stream(ASKED)) == ["The", " keeper", "."]
    ((messages,),) = [cast(Provider, model._model).seen]
    assert [(one.type, one.content) for one in messages] == [
        ("system", "Be brief."),
        ("human", "Who lights the lamp?"),
    ]


def test_langchain_tells_no_thoughts() -> None:
    thought = AIMessageChunk(content=[{"type": "reasoning", "reasoning": "hm"}])
    assert list(adapted(thought, "<think>x</think>", "\nyes").stream(ASKED)) == ["yes"]


def test_langchain_models_that_do_not_stream() -> None:
    class Plain(FakeListChatModel):
        _stream = BaseChatModel._stream

    assert list(LangchainChat(Plain(responses=["The keeper."])).stream(ASKED)) == ["The keeper."]


@pytest.mark.parametrize(
    ("chunks", "told", "words", "again"),
    [
        ([" ", ""], [], "empty text", False),
        (
            ["a", AIMessageChunk(content="", additional_kwargs={"refusal": "no"})],
            ["a"],
            "refused: no",
            False,
        ),
        (
            [
                "a",
                AIMessageChunk(content="", response_metadata={"finish_reason": "content_filter"}),
            ],
            ["a"],
            "refused: its filter",
            False,
        ),
        (["a", ValueError("gone\nwrong")], ["a"], "failed: ValueError: gone wrong", False),
        ([TimeoutError("slow")], [], "failed: TimeoutError: slow", True),
    ],
)
def test_langchain_fails(chunks: list[Any], told: list[str], words: str, again: bool) -> None:
    found, error = failing(adapted(*chunks))
    assert found == told
    assert words in str(error)
    assert "\n" not in str(error)
    assert error.again is again


def test_langchain_is_not_waited_for() -> None:
    over, ended = threading.Event(), threading.Event()

    def made() -> Iterator[AIMessageChunk]:
        try:
            yield AIMessageChunk(content="a")
            over.wait(30)
            yield AIMessageChunk(content="b")
        finally:
            ended.set()

    model = LangchainChat(Provider(made=made, seen=[]))
    started = time.monotonic()
    told, error = failing(model, 0.3)
    assert time.monotonic() - started < 3
    assert told == ["a"]
    assert "did not answer within 0.3 s" in str(error)
    assert error.again
    over.set()
    assert ended.wait(10)


def test_langchain_stops_when_nobody_listens() -> None:
    ended = threading.Event()

    def made() -> Iterator[AIMessageChunk]:
        try:
            while True:
                time.sleep(0.005)
                yield AIMessageChunk(content="la ")
        finally:
            ended.set()

    model = LangchainChat(Provider(made=made, seen=[]))
    with closing(cast("Generator[str]", Asker(model, QUICK).stream(ASKED))) as pieces:
        assert next(pieces) == "la"
        assert not ended.is_set()
    assert ended.wait(10)
