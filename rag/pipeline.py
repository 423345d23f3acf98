"""The query side of a pipeline: a fold over its stages, from a query to a ranking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest

from rag.found import read_hits
from rag.protocols import Answerer, StreamingAnswerer, View
from rag.stages.cut import CutStage
from rag.stages.retrieve import RetrieveStage
from rag.stages.stage import Stage
from rag.tracing import question
from rag.types import Answer, Delta, Query, Ranking, Step


def run(stages: Sequence[Stage], query: Query, view: View) -> Ranking:
    """Fold `query` through `stages`. The passages of what is left are read."""
    ranking = Ranking(query)
    for ranking in _folded(stages, query, view, ahead=True):  # noqa: B007 the last one is wanted
        pass
    read_hits(ranking.hits)
    return ranking


def rankings(stages: Sequence[Stage], query: Query, view: View) -> Iterator[Ranking]:
    """What `query` has become after each of `stages`, in order."""
    return _folded(stages, query, view, ahead=False)


def _folded(stages: Sequence[Stage], query: Query, view: View, *, ahead: bool) -> Iterator[Ranking]:
    """The rankings. With `ahead` hits that the next stage cuts off are counted and not made."""
    ranking = Ranking(query)
    with question() as asked:
        for stage, following in zip_longest(stages, stages[1:]):
            most = following.k if ahead and isinstance(following, CutStage) else None
            began, started = time.time(), time.perf_counter()
            made, count = _made(stage, ranking, view, most)
            seconds = time.perf_counter() - started
            told, failed = asked.take_notes(), asked.take_failed()
            step = Step(stage.key, stage.uses, seconds, count, told, began, failed)
            ranking = replace(made, steps=(*ranking.steps, step))
            yield ranking


def _made(stage: Stage, ranking: Ranking, view: View, most: int | None) -> tuple[Ranking, int]:
    """What `stage` makes of `ranking`, of which `most` hits are needed, and how many there are."""
    if most is not None and isinstance(stage, RetrieveStage):
        return stage.first(ranking, view, most)
    made = stage(ranking, view)
    return made, len(made.hits)


def answered(name: str, answerer: Answerer, ranking: Ranking, view: View) -> Answer:
    """What `answerer`, called `name`, makes of `ranking`, with all the steps that led to it.

    The last step is its own; its `hits` are the citations.
    """
    with _answering(name, ranking) as finished:
        return finished(answerer.answer(ranking.query, ranking.hits, view))


def streamed(
    name: str, answerer: Answerer, ranking: Ranking, view: View
) -> Iterator[Delta | Answer]:
    """The same as it is made: the pieces of its text, and then the answer."""
    if not isinstance(answerer, StreamingAnswerer):
        answer = answered(name, answerer, ranking, view)
        yield Delta(answer.text)
        yield answer
        return
    with _answering(name, ranking) as finished:
        for event in answerer.stream(ranking.query, ranking.hits, view):
            yield finished(event) if isinstance(event, Answer) else event


@contextmanager
def _answering(name: str, ranking: Ranking) -> Iterator[Callable[[Answer], Answer]]:
    """Gives what completes an answer with the steps that led to it, its own the last."""
    with question() as asked:
        began, started = time.time(), time.perf_counter()

        def finished(answer: Answer) -> Answer:
            seconds = time.perf_counter() - started
            told, failed = asked.take_notes(), asked.take_failed()
            cited = len(answer.citations)
            step = Step("answer", (name,), seconds, cited, told, began, failed)
            steps = (*ranking.steps, step)
            return replace(answer, hits=ranking.hits, query=ranking.query, steps=steps)

        yield finished
