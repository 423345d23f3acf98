"""Questions on which two pipelines differ, the largest differences first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rag.evaluate.dataset import Queries
from rag.evaluate.measures import JSON_NAMES
from rag.evaluate.result import PipelineResult


@dataclass(frozen=True, slots=True)
class Contrast:
    """One question: what each pipeline reached on it, and what each put first ("" for nothing)."""

    id: str
    question: str
    baseline: float
    pipeline: float
    baseline_top: str
    pipeline_top: str

    @property
    def difference(self) -> float:
        """How much better the pipeline is than the baseline."""
        return self.pipeline - self.baseline


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Wins and losses of a pipeline against a baseline on one measure; `ties` counts the rest."""

    pipeline: str
    baseline: str
    measure: str
    rows: tuple[Contrast, ...]
    ties: int

    @property
    def wins(self) -> int:
        """Questions on which the pipeline is better."""
        return sum(row.difference > 0 for row in self.rows)

    @property
    def losses(self) -> int:
        """Questions on which the pipeline is worse."""
        return len(self.rows) - self.wins

    def as_dict(self) -> dict[str, Any]:
        """The entry `questions` in the JSON report."""
        return {
            "pipeline": self.pipeline,
            "baseline": self.baseline,
            "measure": JSON_NAMES.get(self.measure, self.measure),
            "wins": self.wins,
            "losses": self.losses,
            "ties": self.ties,
            "rows": [{**asdict(row), "difference": row.difference} for row in self.rows],
        }


def contrasts(
    pipeline: PipelineResult, baseline: PipelineResult, measure: str, queries: Queries
) -> Contrasts:
    """The questions on which `pipeline` and `baseline` differ by `measure`.

    The largest differences come first, wins and losses mixed; those that are equal keep the
    order of the questions.
    """
    before, after = baseline.per_query[measure], pipeline.per_query[measure]
    rows = [
        Contrast(
            id=query,
            question=queries[query],
            baseline=before[query],
            pipeline=after[query],
            baseline_top=baseline.tops.get(query, ""),
            pipeline_top=pipeline.tops.get(query, ""),
        )
        for query in before
        if before[query] != after[query]
    ]
    rows.sort(key=lambda row: -abs(row.difference))
    return Contrasts(pipeline.name, baseline.name, measure, tuple(rows), len(before) - len(rows))
