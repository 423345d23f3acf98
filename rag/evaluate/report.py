"""What an evaluation found, and how its pipelines compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rag.evaluate import wording
from rag.evaluate.comparison import PipelineComparison, compare, compare_all
from rag.evaluate.questions import Contrasts
from rag.evaluate.result import PipelineResult


@dataclass(frozen=True, slots=True)
class Report:
    """Pipelines on one dataset, in the order they were given.

    `compared` is the measure by which the dataset ranks pipelines. `contrasts` sets the second
    pipeline beside the first, question by question; None for a single one.
    """

    dataset: str
    format: str
    questions: int
    compared: str
    pipelines: tuple[PipelineResult, ...]
    comparisons: tuple[PipelineComparison, ...]
    contrasts: Contrasts | None = None

    @property
    def failures(self) -> list[str]:
        """A line for each component of a pipeline that failed for questions."""
        return [
            wording.failure(one.name, component, count, self.questions)
            for one in self.pipelines
            for component, count in one.failed.items()
        ]

    def as_dict(self, *, questions: bool = False) -> dict[str, Any]:
        """The JSON report of `rag eval`; with `questions`, wins and losses one by one."""
        shape: dict[str, Any] = {
            "dataset": self.dataset,
            "format": self.format,
            "pipelines": [pipeline.as_dict() for pipeline in self.pipelines],
            "comparisons": [comparison.as_dict() for comparison in self.comparisons],
        }
        if questions and self.contrasts is not None:
            shape["questions"] = self.contrasts.as_dict()
        return shape


def comparisons(
    pipelines: Sequence[PipelineResult], measure: str, *, all_pairs: bool = False
) -> tuple[PipelineComparison, ...]:
    """Every later pipeline against the first on `measure`.

    With `all_pairs`, every pair on every measure, `measure` first.
    """
    if not all_pairs:
        return compare(pipelines, measure)
    others = [name for name in pipelines[0].measures if name != measure] if pipelines else []
    return compare_all(pipelines, [measure, *others])
