"""Questions put to an index."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from rag.asked import as_query
from rag.explaining import Explanation, explained, with_expected
from rag.facade.engine import Engine
from rag.filters import Filters
from rag.pipeline import answered, run, streamed
from rag.tracing import isolated
from rag.tracing import question as one_question
from rag.types import Answer, Event, Query, Ranking, Turn


class Asking(Engine):
    """Searches, answers and explanations."""

    def search(self, question: str | Query, filters: Filters = ()) -> Ranking:
        """The passages that the pipeline finds for `question`, best first.

        `filters` must all hold of a passage's document. They are conditions, or text such as
        `year>=2024 and source~"handbook"`: see `rag.filters`. Raises RequestError where no document
        has such a field, or none with a value that compares.
        """
        query = as_query(question, filters)
        self._check_part()
        with self._told("search", query) as tell, self._view() as view:
            view.check(query.filters)
            ranking = run(self._stages, query, view)
            tell(ranking.query, ranking.steps, ranking.hits)
            return ranking

    def ask(
        self,
        question: str | Query,
        *,
        filters: Filters = (),
        history: Sequence[Turn] = (),
    ) -> Answer:
        """The answer to `question` with its citations, or an abstention; filters as in `search`."""
        started = time.perf_counter()
        query = as_query(question, filters, history)
        self._check_part()
        with self._told("ask", query) as tell, self._view() as view, one_question():
            view.check(query.filters)
            ranking = run(self._stages, query, view)
            answer = answered(self.pipeline.answer.use, self._answerer, ranking, view)
            tell(ranking.query, answer.steps, answer.hits)
        return replace(answer, seconds=round(time.perf_counter() - started, 3))

    def stream(
        self,
        question: str | Query,
        *,
        filters: Filters = (),
        history: Sequence[Turn] = (),
    ) -> Iterator[Event]:
        """The same as `ask` while it is made: the ranking, pieces of the text, and the answer.

        The pieces together are the answer's text. Nothing is done before the first is asked for,
        but a question that cannot be asked is refused at once. Close it where it is not read to
        its end.
        """
        query = as_query(question, filters, history)
        return isolated(self._events(query))

    def _events(self, query: Query) -> Generator[Event]:
        started = time.perf_counter()
        self._check_part()
        with self._told("ask", query) as tell, self._view() as view, one_question():
            view.check(query.filters)
            ranking = run(self._stages, query, view)
            yield ranking
            use, answerer = self.pipeline.answer.use, self._answerer
            for event in streamed(use, answerer, ranking, view):
                if isinstance(event, Answer):
                    tell(ranking.query, event.steps, event.hits)
                    seconds = round(time.perf_counter() - started, 3)
                    yield replace(event, seconds=seconds)
                else:
                    yield event

    def explain(
        self, question: str | Query, expect: str | None = None, *, filters: Filters = ()
    ) -> Explanation:
        """What each stage of a search makes of `question`; filters as in `search`.

        With `expect`, the id or source of a document, also what became of its passages.
        """
        query = as_query(question, filters)
        self._check_part()
        with self._told("explain", query) as tell, self._view() as view:
            view.check(query.filters)
            found = explained(self.pipeline, self._stages, query, view)
            tell(found.ranking.query, found.ranking.steps, found.ranking.hits)
            if expect is None:
                return found
            return with_expected(found, expect, self._stages, view, self._base)
