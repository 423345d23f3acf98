"""What pruning costs and saves, share by share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rag.evaluate.equivalence import Equivalence, largest
from rag.evaluate.intervals import Interval
from rag.evaluate.measures import JSON_NAMES


@dataclass(frozen=True, slots=True)
class Point:
    """An index with a share of its passages pruned, beside the index of all of them.

    `share` is what was asked for: what ties with the best of the pruned stays, so that `pruned`
    passages may be fewer. `bytes` is the size of the search structures; what was pruned stays in
    the records beside them, whose size does not change. `seconds` is the time to build, encoding
    left out, and `encoded` the number of texts that are to be encoded. `against_all` compares
    with the index of all passages; None for that index itself.
    """

    share: float
    passages: int
    pruned: int
    encoded: int
    bytes: int
    seconds: float
    measures: Mapping[str, Interval]
    against_all: Equivalence | None = None

    @property
    def pruned_share(self) -> float:
        """The share of passages that was pruned indeed."""
        return self.pruned / max(1, self.pruned + self.passages)

    def as_dict(self) -> dict[str, Any]:
        """The point's entry in the JSON report."""
        return {
            "share": self.share,
            "passages": self.passages,
            "pruned": self.pruned,
            "pruned_share": round(self.pruned_share, 4),
            "encoded": self.encoded,
            "bytes": self.bytes,
            "seconds": self.seconds,
            "measures": {
                JSON_NAMES.get(name, name): asdict(value) for name, value in self.measures.items()
            },
            "against_all": self.against_all.as_dict() if self.against_all is not None else None,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """One pruner at every share, the smallest first. A control is there to be beaten."""

    name: str
    control: bool
    points: tuple[Point, ...]

    @property
    def equivalent(self) -> float:
        """The largest share pruned that was shown equivalent, together with all smaller ones."""
        return self._pruned(largest((at, found.equivalent) for at, found in self._compared()))

    @property
    def not_worse(self) -> float:
        """The same, where a gain beyond the margin is no objection."""
        return self._pruned(largest((at, found.not_worse) for at, found in self._compared()))

    def as_dict(self) -> dict[str, Any]:
        """The line's entry in the JSON report."""
        return {
            "pruner": self.name,
            "control": self.control,
            "largest_equivalent": round(self.equivalent, 4),
            "largest_not_worse": round(self.not_worse, 4),
            "points": [point.as_dict() for point in self.points],
        }

    def _pruned(self, share: float) -> float:
        """What was pruned indeed where `share` was asked for."""
        return next((one.pruned_share for one in self.points if one.share == share), 0.0)

    def _compared(self) -> Iterator[tuple[float, Equivalence]]:
        for point in self.points:
            if point.against_all is not None:
                yield point.share, point.against_all


@dataclass(frozen=True, slots=True)
class Curve:
    """Pruners on one dataset, judged by `measure`; `whole` is the index of all passages."""

    dataset: str
    pipeline: str
    measure: str
    margin: float
    questions: int
    whole: Point
    lines: tuple[Line, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON report of `rag prune --curve`."""
        return {
            "dataset": self.dataset,
            "pipeline": self.pipeline,
            "measure": JSON_NAMES.get(self.measure, self.measure),
            "margin": self.margin,
            "questions": self.questions,
            "whole": self.whole.as_dict(),
            "lines": [line.as_dict() for line in self.lines],
        }
