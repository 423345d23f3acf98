"""An index as a link of a chain: a question in, an answer out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import Any, cast

from langchain_core.runnables import Runnable, RunnableConfig, RunnableGenerator
from langchain_core.runnables.config import run_in_executor

from rag.errors import RagError, RequestError
from rag.filters import Filters, as_filters
from rag.interop.langchain.chunk import AnswerChunk, as_chunk
from rag.interop.langchain.question import Asked, as_question
from rag.rag import Rag
from rag.types import Answer, Query, Unanswered


class RagRunnable(Runnable[Asked, Answer]):
    """Asks `rag`, within `filters`: a question to an `Answer`.

    Asked is a text, a mapping {question, history, filters} whose history may be messages of
    LangChain, or a list of messages that ends with the question. Streamed, the answer comes in
    an `AnswerChunk` for each piece of its text. Errors are those of `Rag.ask`.
    """

    def __init__(self, rag: Rag, filters: Filters = ()) -> None:
        self.rag = rag
        self.filters = as_filters(filters)

    @property
    def InputType(self) -> Any:  # noqa: N802 LangChain's name
        """What may be asked."""
        return Asked

    @property
    def OutputType(self) -> type[Answer]:  # noqa: N802 LangChain's name
        """An answer."""
        return Answer

    def invoke(
        self,
        input: Asked,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Answer:
        """The answer to a question."""
        return self._call_with_config(self._answer, input, config)

    async def ainvoke(
        self,
        input: Asked,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Answer:
        """The answer to a question."""
        return await self._acall_with_config(self._aanswer, input, config)

    def stream(
        self,
        input: Asked,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any | None,
    ) -> Iterator[Answer]:
        """The answer in chunks: what was found, the pieces of the text, and the rest."""
        yield from self._transform_stream_with_config(iter([input]), self._chunks, config)

    async def astream(
        self,
        input: Asked,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any | None,
    ) -> AsyncIterator[Answer]:
        """The same."""

        async def one() -> AsyncIterator[Asked]:
            yield input

        made = self._atransform_stream_with_config(one(), self._achunks, config)
        async with aclosing(cast("AsyncGenerator[Answer]", made)) as chunks:
            async for chunk in chunks:
                yield chunk

    def batch(
        self,
        inputs: list[Asked],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any | None,
    ) -> list[Answer]:
        """The answers to many questions, by `Rag.batch`; `max_concurrency` is its workers.

        A question that fails is asked once more, alone, which tells its own error.
        """
        return self._batch_with_config(
            self._answers, inputs, config, return_exceptions=return_exceptions
        )

    async def abatch(
        self,
        inputs: list[Asked],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any | None,
    ) -> list[Answer]:
        """The same."""
        return await self._abatch_with_config(
            self._aanswers, inputs, config, return_exceptions=return_exceptions
        )

    def as_text(self) -> Runnable[Asked, str]:
        """The text of the answer alone, streamed in pieces."""
        return self | RunnableGenerator(_texts, _atexts)

    def _answer(self, asked: Asked) -> Answer:
        return self.rag.ask(as_question(asked, self.filters))

    async def _aanswer(self, asked: Asked) -> Answer:
        return await self.rag.aask(as_question(asked, self.filters))

    def _answers(
        self, asked: list[Asked], run_manager: object, config: list[RunnableConfig]
    ) -> list[Exception | Answer]:
        queries = [self._query(one) for one in asked]
        sound = [query for query in queries if isinstance(query, Query)]
        with closing(self.rag.batch(sound, workers=config[0].get("max_concurrency"))) as answers:
            return [
                self._settled(query, next(answers)) if isinstance(query, Query) else query
                for query in queries
            ]

    async def _aanswers(
        self, asked: list[Asked], run_manager: object, config: list[RunnableConfig]
    ) -> list[Exception | Answer]:
        return await run_in_executor(None, self._answers, asked, run_manager, config)

    def _query(self, asked: Asked) -> Query | Exception:
        try:
            return as_question(asked, self.filters)
        except RequestError as error:
            return error

    def _settled(self, query: Query, outcome: Answer | Unanswered) -> Answer | Exception:
        if isinstance(outcome, Answer):
            return outcome
        try:
            return self.rag.ask(query)
        except RagError as error:
            return error

    def _chunks(self, inputs: Iterator[Asked]) -> Iterator[Answer]:
        for asked in inputs:
            query = as_question(asked, self.filters)
            for event in self.rag.stream(query):
                yield as_chunk(query.text, event)

    async def _achunks(self, inputs: AsyncIterator[Asked]) -> AsyncIterator[Answer]:
        async for asked in inputs:
            query = as_question(asked, self.filters)
            async with aclosing(self.rag.astream(query)) as events:
                async for event in events:
                    yield as_chunk(query.text, event)


def _texts(answers: Iterator[Answer]) -> Iterator[str]:
    for answer in answers:
        if answer.text or not isinstance(answer, AnswerChunk):
            yield answer.text


async def _atexts(answers: AsyncIterator[Answer]) -> AsyncIterator[str]:
    async for answer in answers:
        if answer.text or not isinstance(answer, AnswerChunk):
            yield answer.text
