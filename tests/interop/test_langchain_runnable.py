"""An index as a link of a chain: a question in, an answer out."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from typing import Any

import harbour
import pytest
import spelling
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from spelling import SpellingAnswerer

from rag import Answer, Rag, Turn
from rag.errors import ChatError, RequestError
from rag.interop.langchain import AnswerChunk, RagRunnable
from rag.interop.langchain.question import as_question, as_turns

QUESTIONS = [harbour.ASKED, "Who lights the lamp at dusk?", "zzz qqq"]


@pytest.fixture(scope="module")
def extractive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rag]:
    with harbour.indexed(tmp_path_factory.mktemp("harbour")) as made:
        yield made


@pytest.fixture
def rag(extractive: Rag) -> Iterator[Rag]:
    """The same index, whose answers are spelled out."""
    with spelling.registered() as override:
        made = harbour.opened(extractive.folder.parent, override)
        yield made
        made.close()


def told(answer: Answer) -> tuple[Any, ...]:
    """All of an answer but the time it took."""
    return (
        answer.question, answer.text, answer.abstained, answer.citations, answer.statements,
        answer.score, answer.hits,
    )  # fmt: skip


async def test_it_answers_as_the_index_does(extractive: Rag) -> None:
    link = RagRunnable(extractive)
    expected = [told(extractive.ask(question)) for question in QUESTIONS]
    assert [told(link.invoke(question)) for question in QUESTIONS] == expected
    assert [told(await link.ainvoke(question)) for question in QUESTIONS] == expected
    assert [told(one) for one in link.batch(list(QUESTIONS))] == expected
    assert [told(one) for one in await link.abatch(list(QUESTIONS))] == expected
    assert expected[0][2] is False and expected[2][2] is True


@pytest.fixture
def chatting(extractive: Rag) -> Iterator[Rag]:
    """The same index, whose answers a chat model makes."""
    said = FakeListChatModel(responses=["The ferry leaves at nine [1]. Gulls read the news."])
    made = harbour.opened(extractive.folder.parent, "answer={use: chat}", chat=said)
    yield made
    made.close()


async def test_chunks_add_up_to_the_answer(rag: Rag, extractive: Rag, chatting: Rag) -> None:
    for link in (RagRunnable(rag), RagRunnable(extractive), RagRunnable(chatting)):
        for question in QUESTIONS:
            answer = link.invoke(question)
            chunks = list(link.stream(question))
            assert chunks[0].hits == answer.hits and not chunks[0].text
            assert chunks[-1].citations == answer.citations and not chunks[-1].text
            assert told(functools.reduce(operator.add, chunks)) == told(answer)
            later = [chunk async for chunk in link.astream(question)]
            assert list(map(told, later)) == list(map(told, chunks))


def test_chunks_add_up_in_whatever_groups(rag: Rag) -> None:
    chunks = [one for one in RagRunnable(rag).stream(QUESTIONS[0]) if isinstance(one, AnswerChunk)]
    assert len(chunks) > 5
    total = functools.reduce(operator.add, chunks)
    for place in range(1, len(chunks)):
        left = functools.reduce(operator.add, chunks[:place])
        assert left + functools.reduce(operator.add, chunks[place:]) == total


async def test_text_comes_in_pieces(rag: Rag) -> None:
    text = RagRunnable(rag).as_text()
    pieces = list(text.stream("Any dogs?"))
    assert pieces == ["Any", " dogs?", " after", " 0", " turns"]
    assert [piece async for piece in text.astream("Any dogs?")] == pieces
    assert text.invoke("Any dogs?") == await text.ainvoke("Any dogs?") == "".join(pieces)
    assert text.batch(["Any dogs?", "No?"]) == ["".join(pieces), "No? after 0 turns"]


def test_links_before_and_after(rag: Rag) -> None:
    chain = (
        {"question": RunnablePassthrough(), "history": lambda _: [("human", "a"), ("ai", "b")]}
        | RagRunnable(rag)
        | RunnableLambda(lambda answer: (answer.text, len(answer.citations)))
    )
    expected = ("Any dogs? after 2 turns", 1)
    assert chain.invoke("Any dogs?") == expected
    assert list(chain.stream("Any dogs?")) == [expected]


async def test_a_reader_that_stops_early_leaves_nothing_under_way(rag: Rag) -> None:
    link = RagRunnable(rag)
    reading: Any = link.stream("Any dogs?")
    assert not next(reading).text and next(reading).text == "Any"
    assert SpellingAnswerer.under_way == 1
    reading.close()
    assert SpellingAnswerer.under_way == 0
    later: Any = link.astream("Any dogs?")
    assert not (await anext(later)).text and (await anext(later)).text == "Any"
    assert SpellingAnswerer.under_way == 1
    await later.aclose()
    assert SpellingAnswerer.under_way == 0
    text: Any = link.as_text().stream("Any dogs?")
    assert next(text) == "Any"
    text.close()
    assert SpellingAnswerer.under_way == 0


def test_conversations() -> None:
    turns = (Turn("user", "Is there a ferry?"), Turn("assistant", "There is."))
    messages = [
        SystemMessage("Be brief."),
        HumanMessage([{"type": "text", "text": "Is there a ferry?"}]),
        AIMessage("", tool_calls=[{"name": "ask", "args": {}, "id": "1"}]),
        ToolMessage("Ferry: yes", tool_call_id="1"),
        AIMessage("There is."),
    ]
    for history in (turns, messages, [("user", turns[0].text), ("assistant", turns[1].text)]):
        assert as_turns(history) == turns
        query = as_question({"question": "When?", "history": history, "filters": "a=1"}, "b=2")
        assert (query.text, query.history, len(query.filters)) == ("When?", turns, 2)
    asked = as_question([*messages, HumanMessage("When?")], ())
    assert (asked.text, asked.history) == ("When?", turns)


def test_it_takes_the_history_that_a_chain_keeps(rag: Rag) -> None:
    kept: list[BaseMessage] = []
    link = RagRunnable(rag).as_text()
    for turns in (0, 2, 4):
        said = link.invoke({"question": "Any dogs?", "history": kept})
        assert said == f"Any dogs? after {turns} turns"
        kept += [HumanMessage("Any dogs?"), AIMessage(said)]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (5, "'int' is no question"),
        ([], "asks nothing"),
        ({"input": "dogs"}, "'input' is nothing that is asked with: give a text"),
        ({"history": []}, "the 'question' is no text but 'NoneType'"),
        ({"question": "dogs", "history": [5]}, "type 'int' is no turn of a history"),
        ({"question": "dogs", "history": [("king", "a")]}, "type 'tuple' is no turn"),
        ({"question": "dogs", "history": "dogs"}, "type 'str' is no turn"),
        ({"question": "dogs", "history": None}, "type 'NoneType' is no turn"),
        ({"question": "dogs", "history": [HumanMessage("a")]}, "ends with a turn of the user"),
        ({"question": "dogs", "filters": "year>"}, "year>"),
        ([AIMessage("Hello")], "the last of the messages asks nothing"),
        ([SystemMessage("Hello")], "the last of the messages asks nothing"),
        (" ", "is empty"),
    ],
)
async def test_what_cannot_be_asked(rag: Rag, asked: Any, message: str) -> None:
    link = RagRunnable(rag)
    with pytest.raises(RequestError, match=message):
        link.invoke(asked)
    with pytest.raises(RequestError, match=message):
        await link.ainvoke(asked)
    with pytest.raises(RequestError, match=message):
        list(link.stream(asked))


async def test_failures_pass_through(rag: Rag) -> None:
    link = RagRunnable(rag)
    with pytest.raises(ChatError, match="broke off"):
        link.invoke("it is broken here")
    pieces = []
    with pytest.raises(ChatError, match="broke off"):
        pieces += [chunk.text async for chunk in link.astream("it is broken here")]
    with pytest.raises(ChatError, match="broke off"):
        link.batch(["dogs?", "it is broken here"])
    asked: list[Any] = ["dogs?", "it is broken here", {"question": 5}]
    for found in (
        link.batch(asked, return_exceptions=True),
        await link.abatch(asked, return_exceptions=True),
    ):
        assert found[0].text == "dogs? after 0 turns"
        assert [type(one) for one in found[1:]] == [ChatError, RequestError]


def test_what_is_worth_it_can_be_asked_again(rag: Rag) -> None:
    again = RagRunnable(rag).with_retry(
        retry_if_exception_type=(ChatError,), wait_exponential_jitter=False, stop_after_attempt=3
    )
    before = SpellingAnswerer.begun
    with pytest.raises(ChatError):
        again.invoke("it is broken here")
    assert SpellingAnswerer.begun == before + 3
    with pytest.raises(RequestError):
        again.invoke(" ")
    assert SpellingAnswerer.begun == before + 3


def test_a_batch_is_one_of_the_index(rag: Rag, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int | None] = []
    real = rag.batch

    def batch(questions: Any, **options: Any) -> Any:
        taken.append(options["workers"])
        return real(questions, **options)

    monkeypatch.setattr(rag, "batch", batch)
    questions: list[Any] = [f"Any {n} dogs?" for n in range(40)]
    found = RagRunnable(rag).batch(questions, {"max_concurrency": 3})
    assert [answer.text for answer in found] == [f"{one} after 0 turns" for one in questions]
    assert RagRunnable(rag).batch([]) == []
    assert taken == [3]


def test_a_prompt_can_ask(rag: Rag) -> None:
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{topic}?")])
    chain = prompt | (lambda value: value.to_messages()) | RagRunnable(rag).as_text()
    assert chain.invoke({"topic": "Dogs"}) == "Dogs? after 0 turns"


def test_a_chain_can_be_drawn_and_its_types_told(rag: Rag) -> None:
    chain = RagRunnable(rag).as_text()
    assert "RagRunnable" in chain.get_graph().draw_mermaid()
    assert {one["type"] for one in chain.get_input_jsonschema()["anyOf"]} == {
        "string", "object", "array",
    }  # fmt: skip
    told = RagRunnable(rag).get_output_jsonschema()["$defs"]["Answer"]
    assert {"text", "citations"} <= told["properties"].keys()
