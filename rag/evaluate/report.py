"""What an evaluation found, and how its pipelines compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from rag.evaluate.intervals import Comparison, Interval, Values, holm, paired_difference
from rag.evaluate.measures import JSON_NAMES

Verdict: TypeAlias = Literal["better", "worse", "not distinguishable"]

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Times of the middle query and of the slowest but 5 %, in milliseconds."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """One pipeline on one dataset. Measures go by the names that their dataset gives.

    `per_query` is measure -> query id -> value; `documents` and `passages` count the index.
    """

    name: str
    measures: Mapping[str, Interval]
    per_query: Mapping[str, Mapping[str, float]]
    index_seconds: float
    query_ms: Percentiles
    documents: int
    passages: int

    def as_dict(self) -> dict[str, Any]:
        """The pipeline's entry in the JSON report."""
        return {
            "name": self.name,
            "measures": {
                JSON_NAMES.get(name, name): asdict(value) for name, value in self.measures.items()
            },
            "index_seconds": self.index_seconds,
            "query_ms": asdict(self.query_ms),
            "documents": self.documents,
            "passages": self.passages,
        }


@dataclass(frozen=True, slots=True)
class PipelineComparison:
    """A pipeline against a baseline: `p_holm` is corrected for the number of comparisons."""

    pipeline: str
    baseline: str
    measure: str
    found: Comparison
    p_holm: float

    @property
    def verdict(self) -> Verdict:
        """Better or worse where the corrected p-value is below 0.05."""
        if self.p_holm >= SIGNIFICANCE:
            return "not distinguishable"
        return "better" if self.found.difference > 0 else "worse"

    def as_dict(self) -> dict[str, Any]:
        """The comparison's entry in the JSON report."""
        return {
            "pipeline": self.pipeline,
            "baseline": self.baseline,
            "measure": JSON_NAMES.get(self.measure, self.measure),
            **asdict(self.found),
            "p_holm": self.p_holm,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Pipelines on one dataset, in the order they were given."""

    dataset: str
    format: str
    pipelines: tuple[PipelineResult, ...]
    comparisons: tuple[PipelineComparison, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON report of `rag eval`."""
        return {
            "dataset": self.dataset,
            "format": self.format,
            "pipelines": [pipeline.as_dict() for pipeline in self.pipelines],
            "comparisons": [comparison.as_dict() for comparison in self.comparisons],
        }


def report(
    dataset: str, format_name: str, pipelines: Sequence[PipelineResult], measure: str
) -> Report:
    """The report on `pipelines`, every later one compared with the first on `measure`."""
    return Report(dataset, format_name, tuple(pipelines), compare(pipelines, measure))


def compare(
    pipelines: Sequence[PipelineResult], measure: str, seed: int = 0
) -> tuple[PipelineComparison, ...]:
    """Every later pipeline against the first on `measure`, with Holm's correction.

    Raises ValueError where pipelines were not judged on the same queries.
    """
    if len(pipelines) < 2:
        return ()
    baseline, *others = pipelines
    found = [
        paired_difference(
            _paired(other, baseline, measure), _paired(baseline, baseline, measure), seed
        )
        for other in others
    ]
    corrected = holm([comparison.p for comparison in found])
    return tuple(
        PipelineComparison(other.name, baseline.name, measure, comparison, p)
        for other, comparison, p in zip(others, found, corrected, strict=True)
    )


def _paired(pipeline: PipelineResult, baseline: PipelineResult, measure: str) -> Values:
    """A pipeline's values in the order of the baseline's queries, `(n,)`."""
    queries = baseline.per_query[measure]
    values = pipeline.per_query[measure]
    if values.keys() != queries.keys():
        raise ValueError(f"'{pipeline.name}' and '{baseline.name}' were judged on other queries")
    return np.array([values[query] for query in queries], dtype=np.float64)
