"""Questions to an index as a tool that models call."""

from __future__ import annotations

from collections.abc import Iterator

import harbour
import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ValidationError

from rag import Answer, Citation, Rag, Statement
from rag.errors import RequestError
from rag.interop.langchain import RagTool
from rag.interop.langchain.tool import as_content

CITED = (
    Citation("f", "ferry.md", 0, 9, "At nine.", page=3, headings=("Ferry", "Sailings")),
    Citation("g", "fees.xlsx", 0, 9, "Fee:\n 4 euros", place="sheet Fees, row 2"),
)


@pytest.fixture(scope="module")
def rag(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rag]:
    with harbour.indexed(tmp_path_factory.mktemp("harbour")) as made:
        yield made


def called(question: object) -> ToolCall:
    return ToolCall(name="ask_documents", args={"question": question}, id="1", type="tool_call")


def test_the_content_numbers_its_sources() -> None:
    text = "It leaves at nine. The fee is 4 euros. Bring nothing."
    told = (Statement(0, 18, (0,)), Statement(19, 38, (1, 0)), Statement(39, 53))
    answer = Answer("?", text, abstained=False, citations=CITED, statements=told)
    assert as_content(answer).splitlines() == [
        "It leaves at nine. [1] The fee is 4 euros. [2][1] Bring nothing.",
        "",
        "Sources:",
        "[1] ferry.md, page 3, Ferry > Sailings: At nine.",
        "[2] fees.xlsx, sheet Fees, row 2: Fee: 4 euros",
    ]


def test_numbers_that_a_text_has_are_not_said_again() -> None:
    text = "It leaves at nine [1]. The fee is 4 euros [2]."
    told = (Statement(0, 22, (0,)), Statement(23, 46, (1,)))
    answer = Answer("?", text, abstained=False, citations=CITED, statements=told)
    assert as_content(answer).splitlines()[0] == text


def test_numbers_may_follow_their_sentence(rag: Rag) -> None:
    said = FakeListChatModel(responses=["Dogs travel free on the ferry [1]."])
    chatting = harbour.opened(rag.folder.parent, "answer={use: chat}", chat=said)
    content = RagTool(rag=chatting).invoke({"question": "Do dogs travel free on the ferry?"})
    chatting.close()
    first, _, _, source = content.splitlines()
    assert first.startswith("Dogs travel free on the ferry") and first.count("[1]") == 1
    assert source.startswith("[1] papers/dogs.md, Ferry")


async def test_a_model_that_calls_gets_content_and_the_answer(rag: Rag) -> None:
    tool = RagTool(rag=rag, description="What the harbour's papers say.")
    answer = rag.ask(harbour.ASKED)
    assert answer.citations and not answer.abstained
    for message in (tool.invoke(called(harbour.ASKED)), await tool.ainvoke(called(harbour.ASKED))):
        assert isinstance(message, ToolMessage) and message.status == "success"
        assert isinstance(message.artifact, Answer)
        assert message.artifact.citations == answer.citations
        assert message.content == as_content(answer)
        assert "[1]" in str(message.content) and answer.citations[0].quote in str(message.content)
    shown = convert_to_openai_tool(tool)["function"]
    assert shown["description"] == "What the harbour's papers say."
    assert list(shown["parameters"]["properties"]) == ["question"]


def test_an_abstention_has_no_sources(rag: Rag) -> None:
    message = RagTool(rag=rag).invoke(called("zzz qqq xxx www"))
    assert message.artifact.abstained
    assert message.content == message.artifact.text and "Sources:" not in message.content


async def test_filters_and_failures(rag: Rag) -> None:
    within = RagTool(rag=rag, filters="year=2026")
    artifact = within.invoke(called("Do dogs travel free on the ferry?")).artifact
    assert {hit.passage.metadata["year"] for hit in artifact.hits} == {2026}
    with pytest.raises(RequestError, match="year="):
        RagTool(rag=rag, filters="year=")
    for question in ("", " "):
        with pytest.raises(RequestError, match="is empty"):
            within.invoke(called(question))
        with pytest.raises(RequestError, match="is empty"):
            await within.ainvoke(called(question))
    with pytest.raises(ValidationError, match="question"):
        within.invoke(called(["ferry"]))
