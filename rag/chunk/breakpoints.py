"""Where the subject changes among neighbouring pieces of text, told by their vectors.

The similarity of successive sentences over a text is the signal, which "A Comparative Study of
Sentence Embedding Models for Assessing Semantic Variation" follows through whole books. Two ways
to cut by it are here: at the highest distances, and by the best of all ways to cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Scores, Vectors

Counts: TypeAlias = NDArray[np.int64]

# Cosines are counted in units of this size, far above the error of single precision: sums are
# exact, and what is equally good is known to be.
_UNIT = 1e-5


@dataclass(frozen=True, slots=True)
class Stretch:
    """`n` neighbouring pieces of text.

    `vectors` are float32 `(n, dimension)`, rows of length one; `tokens` is how long each piece
    is, `rooms` the most tokens of a passage that begins with it, and `apart` whether it has to
    begin one.
    """

    vectors: Vectors
    tokens: Counts
    rooms: Counts
    apart: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tokens)

    def lengths(self) -> Counts:
        """Tokens before each piece, and of all of them: `(n + 1,)`."""
        return np.concatenate(([0], np.cumsum(self.tokens))).astype(np.int64)

    def ends(self) -> Counts:
        """How far a passage may reach that begins with each piece; a piece alone always may."""
        before = self.lengths()
        fitting = np.searchsorted(before, before[:-1] + self.rooms, side="right") - 1
        parted = np.append(np.flatnonzero(self.apart), len(self))
        after = parted[np.searchsorted(parted, np.arange(len(self)), side="right")]
        ends: Counts = np.maximum(np.minimum(fitting, after), np.arange(1, len(self) + 1))
        return ends


def optimum(stretch: Stretch, least: int) -> list[int]:
    """Ends of the passages that have the greatest sum of similarities within them.

    A passage's worth is the sum over its pairs of pieces of their cosine less the mean cosine of
    all pairs in the stretch, as in the cluster chunker of Chroma's report (Smith and Troynikov
    2024). Of all ways to cut, those with the fewest passages under `least` tokens come first,
    then the greatest worth, then longer passages first. Time: pieces times the pieces of a passage.
    """
    size, ends, before = len(stretch), stretch.ends(), stretch.lengths()
    reach = np.maximum.accumulate(ends)
    mean = _mean_cosine(stretch.vectors)
    # Of passages from the piece in hand up to each end, and of all that comes after each piece.
    worth, best, short, chosen = np.zeros((4, size + 1), np.int64)
    for start in range(size - 1, -1, -1):
        others = stretch.vectors[start + 1 : reach[start]]
        cosines = (others @ stretch.vectors[start]).astype(np.float64)
        units = np.rint((cosines - mean) / _UNIT).astype(np.int64)
        worth[start + 2 : reach[start] + 1] += np.cumsum(units)
        to = slice(start + 1, int(ends[start]) + 1)
        shorter = short[to] + (before[to] - before[start] < least)
        total = np.where(shorter == shorter.min(), best[to] + worth[to], np.iinfo(np.int64).min)
        found = _last_highest(total)
        chosen[start], best[start] = start + 1 + found, total[found]
        short[start] = shorter[found]
    return _followed(chosen[:size])


def percentile(stretch: Stretch, least: int, share: float, buffer: int) -> list[int]:
    """Ends of passages where neighbours are further from each other than `share` percent are.

    What is compared on each side is the mean of `buffer` pieces. A passage that would grow
    too long ends at the greatest distance within it. It has `least` tokens unless it is cut off by
    the end of the stretch, or by a piece that is to begin another.
    """
    gaps = distances(stretch.vectors, buffer)
    inner = gaps[1:-1]
    high = gaps > (np.percentile(inner, share) if len(inner) else np.inf)
    high[-1] = True
    ends, before = stretch.ends(), stretch.lengths()
    found = [0]
    while found[-1] < len(stretch):
        start = found[-1]
        fits = np.arange(start + 1, ends[start] + 1)
        long = fits[before[fits] - before[start] >= least]
        cuts = long[high[long]]
        last = int(ends[start])
        if len(cuts):
            found.append(int(cuts[0]))
        elif last == len(stretch) or stretch.apart[last] or not len(long):
            found.append(last)
        else:
            found.append(int(long[_last_highest(gaps[long])]))
    return found[1:]


def distances(vectors: Vectors, buffer: int) -> Scores:
    """One less the cosine of what is on both sides of each gap, `(n + 1,)`; infinite outside."""
    size = len(vectors)
    sums = np.concatenate((np.zeros((1, vectors.shape[1])), np.cumsum(vectors, 0, np.float64)))
    inner = np.arange(1, size)
    left = sums[inner] - sums[np.maximum(inner - buffer, 0)]
    right = sums[np.minimum(inner + buffer, size)] - sums[inner]
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    cosines = np.einsum("nd,nd->n", left, right) / np.maximum(norms, 1e-12)
    return np.concatenate(([np.inf], np.rint((1 - cosines) / _UNIT) * _UNIT, [np.inf]))


def _mean_cosine(vectors: Vectors) -> float:
    """The mean over all pairs, without looking at each."""
    size = len(vectors)
    if size < 2:
        return 0.0
    exact = vectors.astype(np.float64)
    return float((np.sum(exact.sum(axis=0) ** 2) - np.sum(exact**2)) / (size * (size - 1)))


def _last_highest(values: NDArray[Any]) -> int:
    """The position of the last of the highest values: what makes the longest passage."""
    return len(values) - 1 - int(np.argmax(values[::-1]))


def _followed(chosen: Counts) -> list[int]:
    """The ends that are met from the beginning on, where `chosen` is the end for each start."""
    found = [0]
    while found[-1] < len(chosen):
        found.append(int(chosen[found[-1]]))
    return found[1:]
