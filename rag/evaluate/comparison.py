"""How pipelines compare: differences, their uncertainty, and what would be needed to see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal, TypeAlias

import numpy as np

from rag.evaluate.intervals import (
    Comparison,
    Values,
    holm,
    paired_difference,
    queries_needed,
)
from rag.evaluate.measures import JSON_NAMES
from rag.evaluate.result import PipelineResult

Verdict: TypeAlias = Literal["better", "worse", "not distinguishable"]
Pair: TypeAlias = tuple[PipelineResult, PipelineResult]

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class PipelineComparison:
    """A pipeline against a baseline: `p_holm` is corrected for the number of comparisons.

    `needed` is about how many questions would show a difference as large as the one found,
    where it is not shown: see `rag.evaluate.intervals.queries_needed`.
    """

    pipeline: str
    baseline: str
    measure: str
    found: Comparison
    p_holm: float
    needed: int | None = None

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
            "needed": self.needed,
        }


def compare(
    pipelines: Sequence[PipelineResult], measure: str, seed: int = 0
) -> tuple[PipelineComparison, ...]:
    """Every later pipeline against the first on `measure`, with Holm's correction.

    Raises ValueError where pipelines were not judged on the same queries.
    """
    return _compared([(other, pipelines[0]) for other in pipelines[1:]], measure, seed)


def compare_all(
    pipelines: Sequence[PipelineResult], measures: Sequence[str], seed: int = 0
) -> tuple[PipelineComparison, ...]:
    """Every pipeline against every earlier one on each of `measures`, measure by measure.

    Holm's correction is for the pairs of one measure: who looks at several measures to find
    one that differs has to correct for that as well. Raises ValueError as `compare` does.
    """
    pairs = [(later, earlier) for earlier, later in combinations(pipelines, 2)]
    return tuple(one for measure in measures for one in _compared(pairs, measure, seed))


def _compared(pairs: Sequence[Pair], measure: str, seed: int) -> tuple[PipelineComparison, ...]:
    values = [(_paired(a, b, measure), _paired(b, b, measure)) for a, b in pairs]
    found = [paired_difference(a, b, seed) for a, b in values]
    corrected = holm([comparison.p for comparison in found])
    return tuple(
        PipelineComparison(
            pipeline=pipeline.name,
            baseline=baseline.name,
            measure=measure,
            found=comparison,
            p_holm=p,
            # At the level that the smallest of so many p-values has to reach.
            needed=queries_needed(*both, SIGNIFICANCE / len(pairs)) if p >= SIGNIFICANCE else None,
        )
        for (pipeline, baseline), both, comparison, p in zip(
            pairs, values, found, corrected, strict=True
        )
    )


def _paired(pipeline: PipelineResult, baseline: PipelineResult, measure: str) -> Values:
    """A pipeline's values in the order of the baseline's queries, `(n,)`."""
    queries = baseline.per_query[measure]
    values = pipeline.per_query[measure]
    if values.keys() != queries.keys():
        raise ValueError(f"'{pipeline.name}' and '{baseline.name}' were judged on other queries")
    return np.array([values[query] for query in queries], dtype=np.float64)
