"""What one pipeline came to on one dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from rag.evaluate.answering import Answering
from rag.evaluate.contributions import Contribution
from rag.evaluate.intervals import Interval
from rag.evaluate.measures import JSON_NAMES


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Times of the middle query and of the slowest but 5 %, in milliseconds."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """One pipeline on one dataset. Measures go by the names that their dataset gives.

    `per_query` is measure -> query id -> value; `documents` and `passages` count the index;
    `tops` is query id -> what stands first, and `arms` what each retriever found where there are
    several. `failed` is component -> questions that went on without it, where there are any. A
    run that was read from a file has neither times nor an index: they are None. `answers` is what
    its answers are worth, on a dataset that judges them.
    """

    name: str
    measures: Mapping[str, Interval]
    per_query: Mapping[str, Mapping[str, float]]
    index_seconds: float | None = None
    query_ms: Percentiles | None = None
    documents: int | None = None
    passages: int | None = None
    tops: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    arms: Mapping[str, Contribution] = field(default_factory=lambda: MappingProxyType({}))
    failed: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    answers: Answering | None = None

    def as_dict(self) -> dict[str, Any]:
        """The pipeline's entry in the JSON report."""
        shape: dict[str, Any] = {
            "name": self.name,
            "measures": {
                JSON_NAMES.get(name, name): asdict(value) for name, value in self.measures.items()
            },
            "index_seconds": self.index_seconds,
            "query_ms": asdict(self.query_ms) if self.query_ms is not None else None,
            "documents": self.documents,
            "passages": self.passages,
        }
        if self.answers is not None:
            shape["answers"] = self.answers.as_dict()
        if self.arms:
            shape["arms"] = {name: asdict(one) for name, one in self.arms.items()}
        if self.failed:
            shape["failed"] = dict(self.failed)
        return shape
