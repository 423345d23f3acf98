"""Questions put to an index."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from rag.asked import as_query
from rag.errors import ModelError, RequestError
from rag.facade.models import Models
from rag.facade.recalling import Recalling
from rag.filters import Filters, as_filters
from rag.pipeline import answered, run, streamed
from rag.tracing import isolated
from rag.tracing import question as one_question
from rag.types import Answer, Delta, Event, Query, Ranking, Turn, Unanswered

if TYPE_CHECKING:
    from rag.auditing import Finding
    from rag.explaining import Explanation
    from rag.facade.recalling import Recall
    from rag.protocols import Encoder
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

    def batch(
        self,
        questions: Iterable[str | Query],
        *,
        filters: Filters = (),
        workers: int | None = None,
    ) -> Generator[Answer | Unanswered]:
        """What `ask` says to each of `questions`, in their order, for less time.

        `workers` questions are under way at once, by default 16, and 4 where a chat model is
        asked; what they have encoded at the same time is encoded together (`rag.gathering`). They
        are read while they are worked on, a few ahead, so that there may be any number of them.

        Each is answered from the state of the index that is published when its turn comes. A
        question that cannot be asked, or whose models fail, is an `Unanswered`, and the others go
        on; what would fail them all is raised: NoIndexError, IndexMismatchError, RequestError for
        `filters`, StoreError. Close it where it is not read to its end.
        """
        from rag.facade.workers import default_workers

        if workers is not None and workers < 1:
            raise RequestError(f"a batch needs at least one worker, not {workers}")
        if isinstance(questions, str | Query):
            raise RequestError("a batch takes several questions, such as a list: 'ask' takes one")
        conditions = as_filters(filters)
        return self._batch(questions, conditions, workers or default_workers(self.pipeline))

    def _batch(
        self, questions: Iterable[str | Query], filters: Filters, workers: int
    ) -> Generator[Answer | Unanswered]:
        from rag.facade.crew import Crew
        from rag.gathering import GatheringEncoder

        encoder = None if self.encoder is None else GatheringEncoder(self.encoder)
        asking = self._with_encoder(encoder)
        asking._check_ready(filters)
        let_go = (lambda: None) if encoder is None else encoder.close
        crew = Crew(partial(asking._outcome, filters), workers, let_go)
        yield from crew.results(self._while_open(questions))

    def _with_encoder(self, encoder: Encoder | None) -> Asking:
        """The same index and pipeline, whose questions go through another encoder."""
        other = Asking(self.folder, self.pipeline, encoder, chat=self._chat)
        other._models = Models(self._models)
        # Their processes end with this one's.
        other._parsers = self._parsers
        other._reading, other._telemetry = self._store, self._telemetry
        return other

    def _check_ready(self, filters: Filters) -> None:
        """Raise what would be wrong with every question."""
        with self._view() as view:
            view.check(as_filters(filters))
            _ = view.encoder, self._stages, self._answerer

    def _outcome(self, filters: Filters, question: str | Query) -> Answer | Unanswered:
        try:
            return self.ask(question, filters=filters)
        except (ModelError, RequestError) as error:
            # What derives from it is wrong with the index or the pipeline.
            if isinstance(error, RequestError) and type(error) is not RequestError:
                raise
            text: object = question.text if isinstance(question, Query) else question
            return Unanswered(text if isinstance(text, str) else "", " ".join(str(error).split()))

    def _while_open(self, questions: Iterable[str | Query]) -> Iterator[str | Query]:
        for question in questions:
            self._check_open()
            yield question

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
