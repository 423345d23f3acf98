"""Chat models of ours as those of LangChain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from chat_server import ChatServer, ok, status, told
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from rag.chat.settings import Settings
from rag.errors import ChatError, RequestError
from rag.interop.langchain import RagChatModel
from rag.types import Message, Reply


class Speller:
    """Says what it was asked a word at a time, and breaks off at the word `broken`."""

    fingerprint = "speller"

    def __init__(self) -> None:
        self.asked: list[Sequence[Message]] = []

    def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
        return Reply("".join(self.stream(messages, seconds)))

    def stream(self, messages: Sequence[Message], seconds: float | None = None) -> Iterator[str]:
        self.asked.append(messages)
        for word in messages[-1].text.split():
            if word == "broken":
                raise ChatError("it broke off")
            yield f"{word} "


def served(server: ChatServer, **settings: Any) -> RagChatModel:
    return RagChatModel(
        chat="openai",
        options={"base_url": f"{server.url}/v1", "model": "tiny"},
        settings=Settings(retries=0, cache=False, **settings),
    )


async def test_it_streams_what_it_replies() -> None:
    model = RagChatModel(chat=Speller())
    text = "the lamp is lit"
    assert str(model.invoke(text).text).strip() == text
    assert str((await model.ainvoke(text)).text).strip() == text
    pieces = [str(chunk.text) for chunk in model.stream(text) if chunk.text]
    assert pieces == ["the ", "lamp ", "is ", "lit "]
    assert [str(one.text) async for one in model.astream(text) if one.text] == pieces


def test_messages_keep_their_roles() -> None:
    speller = Speller()
    RagChatModel(chat=speller).invoke(
        [SystemMessage("Be brief."), HumanMessage("a"), AIMessage("b"), HumanMessage("c")]
    )
    assert speller.asked == [
        [Message("system", "Be brief."), Message("user", "a"), Message("assistant", "b"),
         Message("user", "c")]
    ]  # fmt: skip


def test_a_server_is_asked() -> None:
    with ChatServer(told(lambda prompt: f"You asked: {prompt}")) as server:
        model = served(server)
        assert model.invoke("When?").text == "You asked: When?"
        assert [one.text for one in model.batch(["a", "b"])] == ["You asked: a", "You asked: b"]
        assert "".join(str(one.text) for one in model.stream("When?")) == "You asked: When?"


def test_failures_pass_through() -> None:
    with ChatServer(status(500)) as server, pytest.raises(ChatError, match="500"):
        served(server).invoke("When?")
    pieces = []
    with pytest.raises(ChatError, match="it broke off"):
        for chunk in RagChatModel(chat=Speller()).stream("it is broken"):
            pieces.append(chunk.text)
    assert pieces == ["it ", "is "]


def test_what_it_cannot_do_is_refused() -> None:
    model = RagChatModel(chat=Speller())
    with pytest.raises(RequestError, match="does not take 'stop'"):
        model.invoke("a", stop=["b"])
    with pytest.raises(RequestError, match="does not take 'temperature'"):
        model.bind(temperature=1).invoke("a")
    with pytest.raises(RequestError, match="and no 'tool'"):
        model.invoke([ToolMessage("a", tool_call_id="1")])
    with pytest.raises(RequestError, match="did you mean 'openai'"):
        RagChatModel(chat="openia")
    with pytest.raises(RequestError, match="modle"):
        RagChatModel(chat="openai", options={"modle": "x"})
    with pytest.raises(RequestError, match="is no chat model"):
        RagChatModel(chat=5)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="it is built"):
        RagChatModel(chat=Speller(), options={"model": "x"})


def test_replies_are_kept_only_where_that_is_said() -> None:
    with ChatServer(ok("one"), ok("two")) as server:
        options = {"base_url": f"{server.url}/v1", "model": "tiny"}
        model = RagChatModel(chat="openai", options=options)
        assert [model.invoke("When?").text for _ in range(2)] == ["one", "two"]
