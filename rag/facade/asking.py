"""Questions put to an index."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.asked import as_query
from rag.facade.recalling import Recalling
from rag.filters import Filters
from rag.pipeline import answered, run, streamed
from rag.tracing import isolated
from rag.tracing import question as one_question
from rag.types import Answer, Delta, Event, Query, Ranking, Turn

if TYPE_CHECKING:
    from rag.auditing import Finding
    from rag.explaining import Explanation
    from rag.facade.recalling import Recall
    from rag.store.view import StoreView


class Asking(Recalling):
    """Searches, answers and explanations."""

    def search(self, question: str | Query, filters: Filters = ()) -> Ranking:
        """The passages that the pipeline finds for `question`, best first.

        `filters` must all hold of a passage's document. They are conditions, or text such as
        `year>=2024 and source~"handbook"`: see `rag.filters`. Raises RequestError where no document
        has such a field, or none with a value that compares.
        """
        query = as_query(question, filters)
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
        with self._told("ask", query) as tell, self._view() as view, one_question() as notes:
            view.check(query.filters)
            recall = self._recall(query, view, notes)
            answer = recall.given() or self._answered(recall, view)
            tell(answer.query or query, answer.steps, answer.hits)
            answer = self._dated(answer, view)
        return replace(answer, seconds=round(time.perf_counter() - started, 3))

    def _answered(self, recall: Recall, view: StoreView) -> Answer:
        ranking = run(self._stages, recall.query, view)
        use, answerer = self.pipeline.answer.use, self._answerer
        return recall.kept(answered(use, answerer, ranking, view))

    def feedback(
        self, answered: Answer | Query | str, right: bool, *, filters: Filters = ()
    ) -> None:
        """Say whether an answer was right, for a pipeline with a `cache`, which learns from it.

        `answered` is the answer, or its question, with the `filters` that it was asked with. An
        answer that was wrong is not given again. Raises RequestError where the pipeline has no
        cache, or nothing is kept of the question: it was not asked since the last indexing.
        """
        if isinstance(answered, Answer):
            answered = answered.query or answered.question
        # Rewriters may have added to it, which is no part of what was asked.
        query = as_query(answered, filters)
        self._judge(Query(query.text, query.filters), right)

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
        with self._told("ask", query) as tell, self._view() as view, one_question() as notes:
            view.check(query.filters)
            recall = self._recall(query, view, notes)
            for event in self._recalled(recall) or self._made_now(recall, view):
                if isinstance(event, Answer):
                    tell(event.query or query, event.steps, event.hits)
                    seconds = round(time.perf_counter() - started, 3)
                    yield replace(self._dated(event, view), seconds=seconds)
                else:
                    yield event

    def _recalled(self, recall: Recall) -> tuple[Event, ...]:
        """The events of an answer that is given again; none where there is none to give."""
        answer = recall.given()
        if answer is None:
            return ()
        return Ranking(recall.query, answer.hits, answer.steps), Delta(answer.text), answer

    def _made_now(self, recall: Recall, view: StoreView) -> Iterator[Event]:
        ranking = run(self._stages, recall.query, view)
        yield ranking
        use, answerer = self.pipeline.answer.use, self._answerer
        for event in streamed(use, answerer, ranking, view):
            yield recall.kept(event) if isinstance(event, Answer) else event

    def _dated(self, answer: Answer, view: StoreView) -> Answer:
        """`answer`, whose citations say where a source is not what was indexed."""
        from rag.auditing import dated

        # Processes that parse what was touched would else stay until this is closed.
        with self._parsers.kept():
            return dated(answer, view.rows, self._freshness)

    def audit(self, answer: Answer, *, min_support: float | None = None) -> tuple[Finding, ...]:
        """What of `answer` does not hold, against the index and its files as they are now.

        Each citation has to be in the index word for word, and its file as it was indexed; each
        statement has to be supported by what it cites, at `min_support` (0 to 1) or more: see
        `rag.answer.support`. Sources that are no files are `unchecked`, which is no fault.
        """
        from rag.auditing import audited

        with self._view() as view, self._parsers.kept():
            return tuple(audited(answer, view, self._freshness, min_support))

    def explain(
        self, question: str | Query, expect: str | None = None, *, filters: Filters = ()
    ) -> Explanation:
        """What each stage of a search makes of `question`; filters as in `search`.

        With `expect`, the id or source of a document, also what became of its passages.
        """
        from rag.explaining import explained, with_expected

        query = as_query(question, filters)
        with self._told("explain", query) as tell, self._view() as view:
            view.check(query.filters)
            found = explained(self.pipeline, self._stages, query, view)
            tell(found.ranking.query, found.ranking.steps, found.ranking.hits)
            if expect is None:
                return found
            return with_expected(found, expect, self._stages, view, self._base)
