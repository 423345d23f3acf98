"""What each of several retrievers found of what is relevant, and what it alone found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.evaluate.dataset import Dataset
from rag.types import Hit

# The deepest measure looks at so many.
DEPTH = 100


@dataclass(frozen=True, slots=True)
class Contribution:
    """Relevant documents of all questions that a retriever found, and that no other one did.

    `found` and `alone` are those among its first 100 passages, `found_first` and `alone_first`
    those that stood first; what no stage after it left out is counted.
    """

    found: int
    alone: int
    found_first: int
    alone_first: int


def contributions(
    dataset: Dataset, found: Mapping[str, Sequence[Hit]], arms: Sequence[str]
) -> Mapping[str, Contribution]:
    """By retriever; `arms` are the names of their stages in the hits."""
    deep = _by_arm(dataset, found, arms, DEPTH)
    first = _by_arm(dataset, found, arms, 1)
    return {arm: Contribution(*_counted(deep, arm), *_counted(first, arm)) for arm in arms}


def _by_arm(
    dataset: Dataset, found: Mapping[str, Sequence[Hit]], arms: Sequence[str], depth: int
) -> Mapping[str, set[tuple[str, str]]]:
    """Questions with a relevant document, for each arm that has it among its first `depth`."""
    reached: dict[str, set[tuple[str, str]]] = {arm: set() for arm in arms}
    for query, hits in found.items():
        for hit in hits:
            # What was found stands first in what it grew to.
            passage = (hit.found or (hit.passage,))[0]
            here = [arm for arm in arms if arm in hit.stages and hit.stages[arm].rank <= depth]
            if here and dataset.relevant(query, passage):
                for arm in here:
                    reached[arm].add((query, passage.document_id))
    return reached


def _counted(reached: Mapping[str, set[tuple[str, str]]], arm: str) -> tuple[int, int]:
    others = (one for name, one in reached.items() if name != arm)
    return len(reached[arm]), len(reached[arm].difference(*others))
