"""Questions to an index as a tool that models call."""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.tools import BaseTool
from langchain_core.tools.base import ArgsSchema
from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from rag.filters import Filters, as_filters
from rag.rag import Rag
from rag.types import Answer
from rag.whereabouts import located


class Question(BaseModel):
    """What the tool takes."""

    question: str = Field(description="One whole question, which needs no earlier message.")


class RagTool(BaseTool):
    """Answers a question from the documents of `rag`, within `filters`.

    The content for the model is the answer's text and its sources, numbered from 1, each with
    its place and the quote; the artifact is the `Answer`. Say in `description` what the
    documents are about: by that a model decides when to ask. Raises what `Rag.ask` raises.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = "ask_documents"
    description: str = (
        "Answers a question from the indexed documents, with the sources quoted and numbered. "
        "Says so where the documents do not answer it."
    )
    args_schema: ArgsSchema | None = Question
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    rag: Rag
    filters: SkipValidation[Filters] = ()

    def model_post_init(self, context: Any, /) -> None:
        """Refuse filters that are none at once."""
        super().model_post_init(context)
        as_filters(self.filters)

    def _run(
        self, question: str, run_manager: CallbackManagerForToolRun | None = None
    ) -> tuple[str, Answer]:
        answer = self.rag.ask(question, filters=self.filters)
        return as_content(answer), answer

    async def _arun(
        self, question: str, run_manager: AsyncCallbackManagerForToolRun | None = None
    ) -> tuple[str, Answer]:
        answer = await self.rag.aask(question, filters=self.filters)
        return as_content(answer), answer


def as_content(answer: Answer) -> str:
    """The answer's text, each statement followed by the numbers of its sources, and these."""
    if not answer.citations:
        return answer.text
    sources = [
        f"[{number}] {located(one)}: {' '.join(one.quote.split())}"
        for number, one in enumerate(answer.citations, 1)
    ]
    return "\n".join([_numbered(answer), "", "Sources:", *sources])


def _numbered(answer: Answer) -> str:
    """The text, with the numbers that it does not have itself."""
    text, following = answer.text, len(answer.text)
    for one in sorted(answer.statements, key=lambda one: -one.start):
        # A chat model's answer has them after the sentence.
        said = text[one.start : following]
        marks = [f"[{place + 1}]" for place in one.citations]
        missing = "".join(mark for mark in marks if mark not in said)
        if missing:
            text = f"{text[: one.end].rstrip()} {missing}{text[one.end :]}"
        following = one.start
    return text
