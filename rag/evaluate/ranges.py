"""Ranges of characters, and evidence that is one: what spans and SQuAD measure with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag.types import Hit, Passage

Range: TypeAlias = tuple[int, int]
"""Start and end of a stretch of a document's text, in characters, end exclusive."""


def total(ranges: Iterable[Range]) -> int:
    """Characters of all ranges together; what is in two of them is counted twice."""
    return sum(end - start for start, end in ranges)


def union(ranges: Iterable[Range]) -> list[Range]:
    """The same characters as ranges that ascend and neither overlap nor touch."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def overlaps(some: Iterable[Range], others: Sequence[Range]) -> Iterator[Range]:
    """What each of `some` shares with each of `others`; what is shared twice comes twice."""
    for start, end in some:
        for other_start, other_end in others:
            first, last = max(start, other_start), min(end, other_end)
            if first < last:
                yield first, last


@dataclass(frozen=True, slots=True)
class TextEvidence:
    """Where answers stand: a document's id, and ranges of its text, each an answer alone."""

    document: str
    ranges: tuple[Range, ...]

    def is_in(self, document: str, start: int, end: int) -> bool:
        """Whether one of the answers stands wholly between `start` and `end` of `document`."""
        return document == self.document and any(
            start <= first and last <= end for first, last in self.ranges
        )


def answer_in_top(
    evidence: Mapping[str, TextEvidence], found: Mapping[str, Sequence[Hit]], cuts: Iterable[int]
) -> dict[str, Mapping[str, float]]:
    """`answer-in-top-k`: whether one of the first k passages holds an answer wholly.

    `cuts` are the values of k. A question without hits counts 0.
    """
    passages = {query: [hit.passage for hit in found.get(query, ())] for query in evidence}
    return {
        f"answer-in-top-{k}": {
            query: float(any(_holds(passage, one) for passage in passages[query][:k]))
            for query, one in evidence.items()
        }
        for k in cuts
    }


def _holds(passage: Passage, evidence: TextEvidence) -> bool:
    return evidence.is_in(passage.document_id, passage.start, passage.end)
