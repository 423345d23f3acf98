"""How near a passage lies to the rest of its collection: what is like nothing else is suspect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rag.protocols import Collection, Quality, Scores, Vectors

# Beyond so many passages, neighbours are looked for in a sample of this size: the work then
# grows with the collection and not with its square, and memory is bounded.
_SAMPLE = 20_000
# Digits that stay when blocks of other sizes add the same numbers up in another order.
_DIGITS = 6


class CentralityPruner:
    """Mean cosine of a passage to all others; needs no training and no model but the encoder.

    With `neighbours` it is the mean cosine to that many nearest passages (beyond 20,000
    passages, to the nearest of 20,000 drawn from them). Menus, cookie notices and page numbers
    are far from what a collection is about. So is its one text on another subject: in a
    collection of many subjects the mean says what is rare and not what is bad, and `neighbours`
    is the safer choice, since a few texts on the same subject are enough for it. Copies are
    each other's neighbours, so drop them first (`duplicates`).
    """

    needs_vectors = True

    def __init__(self, *, neighbours: Annotated[int, Field(ge=1)] | None = None) -> None:
        self._neighbours = neighbours

    def judge(self, collection: Collection) -> Quality:
        """Scores are cosines, -1 to 1; a passage that has no other beside it scores 0."""
        if len(collection) < 2:
            return Quality(np.zeros(len(collection)), lambda _: "the only passage")
        if self._neighbours is None:
            scores, others = _to_all(collection), "the rest of the collection"
        else:
            most = min(self._neighbours, len(collection) - 1)
            scores, others = _to_nearest(collection, most), f"its {most} nearest passages"
        rounded = np.round(scores, _DIGITS)
        return Quality(rounded, _telling(rounded, others))


def _telling(scores: Scores, others: str) -> Callable[[int], str]:
    return lambda position: f"mean cosine to {others} is {scores[position]:.2f}"


def _to_all(collection: Collection) -> Scores:
    """The dot with the sum of all vectors, less the passage's own part of it."""
    total = sum(block.sum(axis=0, dtype=np.float64) for block in collection.vectors())
    dots = [
        block @ total - np.einsum("ij,ij->i", block, block, dtype=np.float64)
        for block in collection.vectors()
    ]
    return np.concatenate(dots) / (len(collection) - 1)


def _to_nearest(collection: Collection, most: int) -> Scores:
    places = _places(len(collection))
    sample = _taken(collection, places)
    most = min(most, len(places) - 1)
    scores = [
        _nearest(block, sample, _own(start, len(block), places), most)
        for start, block in _numbered(collection)
    ]
    return np.concatenate(scores)


def _places(count: int) -> NDArray[np.int64]:
    """Positions among which neighbours are looked for: all, or a sample that `count` settles."""
    if count <= _SAMPLE:
        return np.arange(count, dtype=np.int64)
    drawn = np.random.default_rng(0).choice(count, _SAMPLE, replace=False)
    return np.sort(drawn).astype(np.int64)


def _taken(collection: Collection, places: NDArray[np.int64]) -> Vectors:
    parts = [
        block[places[(places >= start) & (places < start + len(block))] - start]
        for start, block in _numbered(collection)
    ]
    return np.concatenate(parts)


def _own(start: int, size: int, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Row and column of each passage of a block in the sample, where it is in it."""
    columns = np.flatnonzero((places >= start) & (places < start + size))
    return places[columns] - start, columns


def _nearest(
    block: Vectors, sample: Vectors, own: tuple[NDArray[np.int64], ...], most: int
) -> Scores:
    similar = block @ sample.T
    similar[own] = -np.inf
    best = np.partition(similar, -most, axis=1)[:, -most:]
    means: Scores = best.mean(axis=1, dtype=np.float64)
    return means


def _numbered(collection: Collection) -> Iterator[tuple[int, Vectors]]:
    start = 0
    for block in collection.vectors():
        yield start, block
        start += len(block)
