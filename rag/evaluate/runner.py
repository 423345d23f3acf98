"""Judging one pipeline on one dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TypeAlias

import numpy as np

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


def judge(
    dataset: Dataset,
    name: str,
    search: Search,
    *,
    index_seconds: float,
    documents: int,
    passages: int,
    ask: Ask | None = None,
    cut: Iterable[Passage] = (),
    arms: Sequence[str] = (),
    journal: Journal | None = None,
    save: Save | None = None,
    progress: Progress | None = None,
) -> PipelineResult:
    """Run every query through `search`, one by one, and measure what it finds.

    `search` ranks passages; give it enough of them to reach 100 documents, or recall@100 is that
    of what it gives. `ask` answers where the dataset judges answers, and
    `cut` is every passage of the index, for measures that need them. `arms` are the stages of
    several retrievers, of which is told what each found. Queries that `journal` has are not run
    again; it is not given those during which a stage failed, so that they are. `save` is given
    the run; `progress` is told the number of queries done.

    Times are those of `search` alone. Whatever it loads on first use is part of the first
    query's time: warm it up before.
    """
    outcomes = _outcomes(dataset, search, ask if dataset.asks else None, journal, progress)
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
        query_ms=_percentiles([outcome.seconds for outcome in outcomes.values()]),
        documents=documents,
        passages=passages,
        tops=_tops(dataset, found),
        arms=contributions(dataset, found, arms),
        failed=_counted(outcomes.values()),
    )


def judge_run(dataset: Dataset, run: Run) -> PipelineResult:
    """The same measures of what another system found."""
    per_query = dataset.measure(run.found)
    return PipelineResult(run.tag, _means(per_query), per_query, tops=_tops(dataset, run.found))


def _outcomes(
    dataset: Dataset,
    search: Search,
    ask: Ask | None,
    journal: Journal | None,
    progress: Progress | None,
) -> Mapping[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    for done, (query, text) in enumerate(dataset.queries.items(), start=1):
        if journal is not None and query in journal:
            outcomes[query] = journal[query]
        else:
            outcomes[query] = _outcome(text, search, ask)
            if journal is not None and not outcomes[query].failed:
                journal.add(query, outcomes[query])
        if progress is not None:
            progress(done)
    return outcomes


def _outcome(text: str, search: Search, ask: Ask | None) -> Outcome:
    start = perf_counter()
    ranking = search(text)
    seconds = perf_counter() - start
    # What the answer looked at is not judged, and would be held for every question.
    answer = replace(ask(text), hits=()) if ask is not None else None
    steps = (*ranking.steps, *(answer.steps if answer is not None else ()))
    return Outcome(ranking.hits, seconds, answer, _failed(steps))


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
