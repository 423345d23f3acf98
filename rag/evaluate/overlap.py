"""How much of what is relevant was retrieved, and how much of what was retrieved is relevant.

The measures are those of Smith and Troynikov, 2024, "Evaluating Chunking Strategies for
Retrieval" (Chroma technical report), as the program of that report works them out: "tokens"
are characters.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.evaluate.ranges import Range, TextEvidence, overlaps, total, union
from rag.types import Passage


@dataclass(frozen=True, slots=True)
class Overlap:
    """Passages against references, in characters.

    `found` is what the references share with the passages, each character once; `wanted` is
    the references' length; `retrieved` is the passages' length, and `missed` what of the
    references is in no passage.
    """

    found: int
    wanted: int
    retrieved: int
    missed: int

    @classmethod
    def of(cls, references: TextEvidence, passages: Sequence[Passage]) -> Overlap:
        """The overlap of retrieved passages. Those of other documents share nothing.

        Passages that overlap one another are as long together as they are each.
        """
        spans = [(one.start, one.end) for one in passages]
        same = [
            span
            for span, one in zip(spans, passages, strict=True)
            if one.document_id == references.document
        ]
        shared = union(overlaps(same, references.ranges))
        wanted = total(references.ranges)
        missed = wanted - total(overlaps(references.ranges, shared))
        return cls(total(shared), wanted, total(spans), missed)

    @property
    def recall(self) -> float:
        """The share of the references that was retrieved."""
        return self.found / self.wanted

    @property
    def precision(self) -> float:
        """The share of what was retrieved that is in a reference; 0 where nothing was."""
        return self.found / self.retrieved if self.retrieved else 0.0

    @property
    def iou(self) -> float:
        """Intersection over union, whose union counts a passage as often as it is retrieved."""
        return self.found / (self.retrieved + self.missed)


class Spans:
    """Where one document's passages stand, for finding those that meet a reference."""

    def __init__(self, spans: Iterable[Range]) -> None:
        self._spans = sorted(spans)
        self._longest = max((end - start for start, end in self._spans), default=0)

    def precision_omega(self, references: Sequence[Range]) -> float:
        """The precision of all passages that meet a reference: the best that cuts allow.

        A passage that ends where a reference begins, or begins where one ends, meets it too:
        the report's program counts so, and its figures with it. Characters of overlapping
        passages count once, and references that no passage holds count as not found.
        """
        meeting = [span for reference in references for span in self._meeting(*reference)]
        shared = total(union(overlaps(meeting, references)))
        return shared / total(union([*meeting, *references])) if shared else 0.0

    def _meeting(self, start: int, end: int) -> list[Range]:
        first = bisect_left(self._spans, (start - self._longest, 0))
        last = bisect_right(self._spans, (end, float("inf")))
        return [span for span in self._spans[first:last] if span[1] >= start]
