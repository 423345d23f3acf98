"""BM25 by the formula, in double precision (Robertson and Zaragoza 2009).

A length is rounded down to one of 256, as Lucene and tantivy keep it. Only additions,
multiplications and divisions touch a score, one component at a time: it has the same bits
wherever a passage stands among others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

K1, B = 1.2, 0.75
# The first lengths are kept as they are; each eight after them are twice as far apart.
_PLAIN = 24


def _kept(code: int) -> int:
    """The length that a byte stands for (Lucene's SmallFloat)."""
    beyond = code - _PLAIN
    if beyond < 8:
        return code
    return _PLAIN + ((beyond & 7 | 8) << (beyond // 8 - 1))


LENGTHS = np.array([_kept(code) for code in range(256)], np.int64)


def idf(passages: int, having: int) -> float:
    """Inverse document frequency as Lucene has it: `ln(1 + (N - n + .5) / (n + .5))`."""
    return math.log1p((passages - having + 0.5) / (having + 0.5))


@dataclass(frozen=True, slots=True)
class Statistics:
    """What scores depend on beside the passage: how many there are, and their terms in all."""

    passages: int
    tokens: int

    @property
    def mean(self) -> float:
        """Terms of a passage, on average; 1 where there are none."""
        return self.tokens / self.passages if self.tokens else 1.0

    def scores(
        self,
        weights: Sequence[float],
        counts: NDArray[np.int64],
        lengths: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Scores `(n,)`, rounded to single precision.

        `weights` has a term's idf times its weight; `counts` `(terms, n)` is how often each
        passage has the term; `lengths` `(n,)` is how many terms it has.
        """
        kept = LENGTHS[np.searchsorted(LENGTHS, lengths, side="right") - 1]
        norms = K1 * (1 - B + B * (kept / self.mean))
        total = np.zeros(len(lengths))
        for weight, count in zip(weights, counts, strict=True):
            total += weight * (K1 + 1) * (count / (count + norms))
        return total.astype(np.float32).astype(np.float64)
