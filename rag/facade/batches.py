"""Many questions put to an index at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from rag.errors import ModelError, RequestError
from rag.facade.asking import Asking
from rag.facade.models import Models
from rag.filters import Filters, as_filters
from rag.types import Answer, Query, Ranking, Unanswered

if TYPE_CHECKING:
    from rag.protocols import Encoder

_R = TypeVar("_R")


class Batches(Asking):
    """Searches and answers for many questions, which share what they need at the same time."""

    def batch(
        self,
        questions: Iterable[str | Query],
        *,
        filters: Filters = (),
        workers: int | None = None,
    ) -> Generator[Answer | Unanswered]:
        """What `ask` says to each of `questions`, in their order, for less time.

        `workers` questions are under way at once, by default 16, and 4 where a chat model is
        asked; what they have encoded, looked up and reranked at the same time is done together
        (`rag.gathering`). They are read while they are worked on, a few ahead, so that there may
        be any number of them.

        Each is answered from the state of the index that is published when its turn comes. A
        question that cannot be asked, or whose models fail, is an `Unanswered`, and the others go
        on; what would fail them all is raised: NoIndexError, IndexMismatchError, RequestError for
        `filters`, StoreError. Close it where it is not read to its end.
        """
        conditions, number = self._checked(questions, filters, workers, answering=True)
        return self._many(questions, conditions, number, _ask)

    def search_many(
        self,
        questions: Iterable[str | Query],
        *,
        filters: Filters = (),
        workers: int | None = None,
    ) -> Generator[Ranking | Unanswered]:
        """What `search` finds for each of `questions`, in their order, for less time.

        The rankings are those of `search`, but for the last digits of what models compute in
        batches of other shapes: scores may differ by as much, and passages whose scores lie
        closer together than that may change places. The seconds of a step count the wait for
        what is done together. Everything else is as in `batch`.
        """
        conditions, number = self._checked(questions, filters, workers, answering=False)
        return self._many(questions, conditions, number, _search)

    def _checked(
        self,
        questions: Iterable[str | Query],
        filters: Filters,
        workers: int | None,
        *,
        answering: bool,
    ) -> tuple[Filters, int]:
        """The filters as conditions, and how many questions are worked on at once."""
        from rag.facade.workers import default_workers

        if workers is not None and workers < 1:
            raise RequestError(f"a batch needs at least one worker, not {workers}")
        if isinstance(questions, str | Query):
            one = "ask" if answering else "search"
            raise RequestError(
                f"a batch takes several questions, such as a list: '{one}' takes one"
            )
        return as_filters(filters), workers or default_workers(self.pipeline, answering=answering)

    def _many(
        self,
        questions: Iterable[str | Query],
        filters: Filters,
        workers: int,
        work: Callable[[Asking, Filters, str | Query], _R],
    ) -> Generator[_R | Unanswered]:
        from rag.facade.crew import Crew
        from rag.gathering import GatheringEncoder

        encoder = None if self.encoder is None else GatheringEncoder(self.encoder)
        asking = self._with_encoder(encoder)
        _check_ready(asking, filters, answering=work is _ask)
        let_go = (lambda: None) if encoder is None else encoder.close
        crew = Crew(partial(_outcome, partial(work, asking, filters)), workers, let_go)
        yield from crew.results(self._while_open(questions))

    def _with_encoder(self, encoder: Encoder | None) -> Asking:
        """The same index and pipeline, whose questions go through another encoder."""
        other = Asking(self.folder, self.pipeline, encoder, chat=self._chat)
        other._models = Models(self._models)
        # Their processes end with this one's.
        other._parsers = self._parsers
        other._reading, other._telemetry = self._store, self._telemetry
        return other

    def _while_open(self, questions: Iterable[str | Query]) -> Iterator[str | Query]:
        for question in questions:
            self._check_open()
            yield question


def _ask(asking: Asking, filters: Filters, question: str | Query) -> Answer:
    return asking.ask(question, filters=filters)


def _search(asking: Asking, filters: Filters, question: str | Query) -> Ranking:
    return asking.search(question, filters)


def _check_ready(asking: Asking, filters: Filters, *, answering: bool) -> None:
    """Raise what would be wrong with every question."""
    with asking._view() as view:
        view.check(as_filters(filters))
        _ = view.encoder, asking._stages, asking._answerer if answering else None


def _outcome(work: Callable[[str | Query], _R], question: str | Query) -> _R | Unanswered:
    try:
        return work(question)
    except (ModelError, RequestError) as error:
        # What derives from it is wrong with the index or the pipeline.
        if isinstance(error, RequestError) and type(error) is not RequestError:
            raise
        text: object = question.text if isinstance(question, Query) else question
        return Unanswered(text if isinstance(text, str) else "", " ".join(str(error).split()))
