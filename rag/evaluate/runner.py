"""Judging one pipeline on one dataset."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TypeAlias

import numpy as np

from rag.evaluate.answering import Answering, answering, judged
from rag.evaluate.contributions import contributions
from rag.evaluate.dataset import Dataset, PerQuery
from rag.evaluate.intervals import Interval, bootstrap_mean
from rag.evaluate.journal import Journal, Outcome
from rag.evaluate.result import Percentiles, PipelineResult
from rag.evaluate.trec import Ranked, Run, ranked
from rag.types import Answer, Hit, Passage, Ranking, Step

Search: TypeAlias = Callable[[str], Ranking]
Ask: TypeAlias = Callable[[str], Answer]
Progress: TypeAlias = Callable[[int], None]
Save: TypeAlias = Callable[[Iterable[tuple[str, Ranked]]], None]

# Queries whose times are taken where the others are run together, and the lot that draws them.
_TIMED, _LOT = 100, 0


@dataclass(frozen=True, slots=True)
class Together:
    """How queries are run several at once: `run` gives what a function makes of each, in order.

    `search` takes the place of the one that is timed, for threads.
    """

    search: Search
    run: Callable[[Callable[[str], Outcome], Iterable[str]], Generator[Outcome]]


def judge(
    dataset: Dataset,
    name: str,
    search: Search,
    *,
    index_seconds: float,
    documents: int,
    passages: int,
    ask: Ask | None = None,
    bold: Ask | None = None,
    cut: Iterable[Passage] = (),
    arms: Sequence[str] = (),
    journal: Journal | None = None,
    save: Save | None = None,
    progress: Progress | None = None,
    together: Together | None = None,
) -> PipelineResult:
    """Run every query through `search`, one by one, and measure what it finds.

    With `together` a hundred queries, drawn by lot, are run so, and the others after them, several
    at once.

    `search` ranks passages; give it enough of them to reach 100 documents, or recall@100 is that
    of what it gives. `ask` answers where the dataset judges answers; where it abstains, `bold` is
    asked for the answer that there would be without a threshold.
    `cut` is every passage of the index, for measures that need them. `arms` are the stages of
    several retrievers, of which is told what each found. Queries that `journal` has are not run
    again; it is not given those during which a stage failed, so that they are. `save` is given
    the run; `progress` is told the number of queries done.

    Times are those of `search` alone, with nothing else under way. Whatever it loads on first use
    is part of the first query's time: warm it up before.
    """
    asking = _Asking(search, *((ask, bold) if dataset.asks else (None, None)))
    known = {} if journal is None else _known(dataset, journal)
    runs = _runs(dataset, asking, known, together)
    outcomes = _outcomes(dataset, known, runs, journal, progress)
    found = {query: outcome.hits for query, outcome in outcomes.items()}
    answers = {query: one.answer for query, one in outcomes.items() if one.answer is not None}
    if save is not None:
        save((query, ranked(dataset, hits)) for query, hits in found.items())
    per_query: PerQuery = {
        **dataset.measure(found),
        **dataset.measure_index(cut),
        **(dataset.measure_answers(answers) if answers else {}),
    }
    return PipelineResult(
        name=name,
        measures=_means(per_query),
        per_query=per_query,
        index_seconds=index_seconds,
        query_ms=_percentiles(
            [one.seconds for one in outcomes.values() if one.seconds is not None]
        ),
        documents=documents,
        passages=passages,
        tops=_tops(dataset, found),
        arms=contributions(dataset, found, arms),
        failed=_counted(outcomes.values()),
        answers=_answering(dataset, outcomes) if answers else None,
    )


def judge_run(dataset: Dataset, run: Run) -> PipelineResult:
    """The same measures of what another system found."""
    per_query = dataset.measure(run.found)
    return PipelineResult(run.tag, _means(per_query), per_query, tops=_tops(dataset, run.found))


def _known(dataset: Dataset, journal: Journal) -> Mapping[str, Outcome]:
    return {query: journal[query] for query in dataset.queries if query in journal}


def _outcomes(
    dataset: Dataset,
    known: Mapping[str, Outcome],
    runs: Iterable[tuple[str, Outcome]],
    journal: Journal | None,
    progress: Progress | None,
) -> Mapping[str, Outcome]:
    """What each query led to, in the dataset's order; `runs` has those that are not `known`."""
    outcomes = dict(known)
    if progress is not None and outcomes:
        progress(len(outcomes))
    for query, outcome in runs:
        outcomes[query] = outcome
        if journal is not None and not outcome.failed:
            journal.add(query, outcome)
        if progress is not None:
            progress(len(outcomes))
    return {query: outcomes[query] for query in dataset.queries}


def _runs(
    dataset: Dataset,
    asking: _Asking,
    known: Mapping[str, Outcome],
    together: Together | None,
) -> Iterator[tuple[str, Outcome]]:
    """The queries that are not `known`, each with what it leads to; those that are timed first.

    Which these are does not depend on what is known already.
    """
    timed = list(dataset.queries)
    if together is not None and len(timed) > _TIMED:
        timed = random.Random(_LOT).sample(timed, _TIMED)
    chosen = set(timed)
    todo = {query: text for query, text in dataset.queries.items() if query not in known}
    for query, text in todo.items():
        if query in chosen:
            yield query, asking.outcome(text)
    rest = {query: text for query, text in todo.items() if query not in chosen}
    if together is not None and rest:
        several = replace(asking, search=together.search, timed=False)
        with closing(together.run(several.outcome, rest.values())) as outcomes:
            yield from zip(rest, outcomes, strict=True)


@dataclass(frozen=True, slots=True)
class _Asking:
    """How questions are searched for and, where answers are judged, asked."""

    search: Search
    ask: Ask | None
    bold: Ask | None
    timed: bool = True

    def outcome(self, text: str) -> Outcome:
        start = perf_counter()
        ranking = self.search(text)
        seconds = perf_counter() - start if self.timed else None
        answer = _answer(self.ask, text)
        bold = _answer(self.bold, text) if answer is not None and answer.abstained else None
        answers = [one for one in (answer, bold) if one is not None]
        steps = [*ranking.steps, *(step for one in answers for step in one.steps)]
        return Outcome(ranking.hits, seconds, answer, _failed(steps), bold)


def _answer(ask: Ask | None, text: str) -> Answer | None:
    # What the answer looked at is not judged, and would be held for every question.
    return replace(ask(text), hits=()) if ask is not None else None


def _answering(dataset: Dataset, outcomes: Mapping[str, Outcome]) -> Answering:
    found = []
    for query, one in outcomes.items():
        assert one.answer is not None
        found.append(judged(dataset, query, one.answer, one.bold or one.answer))
    return answering(found)


def _failed(steps: Iterable[Step]) -> tuple[str, ...]:
    """The components of the stages that failed, each once: an answer goes through them again."""
    return tuple(dict.fromkeys(name for step in steps if step.failed for name in step.uses))


def _counted(outcomes: Iterable[Outcome]) -> Mapping[str, int]:
    return dict(sorted(Counter(name for one in outcomes for name in one.failed).items()))


def _means(per_query: PerQuery) -> Mapping[str, Interval]:
    return {
        measure: bootstrap_mean(np.array(list(values.values()), dtype=np.float64))
        for measure, values in per_query.items()
    }


def _tops(dataset: Dataset, found: Mapping[str, Sequence[Hit]]) -> Mapping[str, str]:
    return {query: ranked(dataset, hits[:1])[0][0] for query, hits in found.items() if hits}


def _percentiles(seconds: Sequence[float]) -> Percentiles:
    p50, p95 = np.percentile(np.array(seconds) * 1000, [50, 95])
    return Percentiles(float(p50), float(p95))
