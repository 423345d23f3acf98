"""Answers judged by what they should have said, where nobody says where it stands.

Exact match and F1 are SQuAD's (`rag.evaluate.match`). `answer-contained` is 1 where the words of a
right answer stand in the answer one after another, which suits answers that quote sentences.
`citation-precision` is the share of an answer's citations whose quote has them so, of the answers
that cite anything. `abstains` is 1 where there was no answer to a question that has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from rag.evaluate import match
from rag.evaluate.intervals import Interval, bootstrap_mean

# Numbers drawn for an interval: fewer resamples where there are very many questions.
_DRAWN = 50_000_000
_FEWEST, _MOST = 200, 10_000


class ReferenceMeasures:
    """What answers are worth, gathered one by one: some numbers a question are kept."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(
        self, said: str, quotes: Sequence[str], right: Sequence[str], *, abstained: bool
    ) -> None:
        """Judge an answer. `right` are the answers that are right; none says that there is none."""
        for name, value in _judged("" if abstained else said, quotes, right, abstained):
            self._values.setdefault(name, []).append(value)

    def means(self) -> Mapping[str, tuple[Interval, int]]:
        """Each measure's mean with its 95 % interval, and the number of questions it is of."""
        return {
            name: (bootstrap_mean(np.array(values), resamples=_resamples(len(values))), len(values))
            for name, values in self._values.items()
        }


def contains(text: str, right: Sequence[str]) -> bool:
    """Whether the words of one of `right` stand in `text` one after another."""
    held = f" {' '.join(match.words(text))} "
    wanted = [" ".join(match.words(one)) for one in right]
    return any(one and f" {one} " in held for one in wanted)


def _judged(
    said: str, quotes: Sequence[str], right: Sequence[str], abstained: bool
) -> Iterator[tuple[str, float]]:
    yield "exact-match", match.exact(said, right)
    yield "F1", match.f1(said, right)
    if not right:
        yield "abstains", float(abstained)
        return
    yield "answer-contained", float(contains(said, right))
    if quotes and not abstained:
        yield "citation-precision", sum(contains(one, right) for one in quotes) / len(quotes)


def _resamples(values: int) -> int:
    return min(_MOST, max(_FEWEST, _DRAWN // values))
