"""Judging one pipeline on one dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import TypeAlias

import numpy as np

from rag.evaluate.dataset import Dataset, Queries
from rag.evaluate.intervals import bootstrap_mean
from rag.evaluate.report import Percentiles, PipelineResult
from rag.types import Hit

Search: TypeAlias = Callable[[str], Sequence[Hit]]
Progress: TypeAlias = Callable[[int], None]


def judge(
    dataset: Dataset,
    name: str,
    search: Search,
    *,
    index_seconds: float,
    documents: int,
    passages: int,
    progress: Progress | None = None,
) -> PipelineResult:
    """Run every query through `search`, one by one, and measure what it finds.

    `search` returns hits best first; give it enough of them to reach 100 documents, or
    recall@100 is that of what it gives. `progress` is told the number of queries done.
    Whatever `search` loads on first use is part of the first query's time: warm it up before.
    """
    found, seconds = _searched(dataset.queries, search, progress)
    per_query = dataset.measure(found)
    return PipelineResult(
        name=name,
        measures={
            measure: bootstrap_mean(np.array(list(values.values()), dtype=np.float64))
            for measure, values in per_query.items()
        },
        per_query=per_query,
        index_seconds=index_seconds,
        query_ms=_percentiles(seconds),
        documents=documents,
        passages=passages,
    )


def _searched(
    queries: Queries, search: Search, progress: Progress | None
) -> tuple[Mapping[str, Sequence[Hit]], Sequence[float]]:
    found: dict[str, Sequence[Hit]] = {}
    seconds: list[float] = []
    for done, (query, text) in enumerate(queries.items(), start=1):
        start = perf_counter()
        found[query] = search(text)
        seconds.append(perf_counter() - start)
        if progress is not None:
            progress(done)
    return found, seconds


def _percentiles(seconds: Sequence[float]) -> Percentiles:
    p50, p95 = np.percentile(np.array(seconds) * 1000, [50, 95])
    return Percentiles(float(p50), float(p95))
