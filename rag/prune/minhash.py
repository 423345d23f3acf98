"""MinHash signatures: how alike two sets are, estimated from a few bytes each.

Broder, On the resemblance and containment of documents (1997); of each minimum only the
lowest 16 bits are kept, as in Li and König, b-Bit minwise hashing (2010).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.prune.hashing import Keys
from rag.prune.words import Numbers

Signatures: TypeAlias = NDArray[np.uint16]

PERMUTATIONS = 128
# Bands of four: sets of similarity 0.6 share one with a probability of 0.988, of 0.7 with 0.9998.
_ROWS = 4

_drawn = np.random.default_rng(0).integers(0, 1 << 32, (2, PERMUTATIONS), np.uint32)
# Maps of the numbers below 2^32 onto themselves: odd factors are invertible.
_FACTORS, _TERMS = _drawn[0] | np.uint32(1), _drawn[1]
_HIGH = np.uint64(32)
_MOST = (1 << 32) - 1
_PAIRS = 10_000


def signatures(keys: Keys, sizes: Numbers) -> Signatures:
    """Signatures `(n, 128)` of sets that follow one another in `keys`, each of its size.

    An empty set has a signature of its own that no other set is likely to have.
    """
    found = np.empty((len(sizes), PERMUTATIONS), np.uint16)
    values = (keys >> _HIGH).astype(np.uint32)[:, None]
    room = np.empty((int(sizes.max(initial=0)), PERMUTATIONS), np.uint32)
    ends = np.cumsum(sizes)
    for row, (start, end) in enumerate(zip((ends - sizes).tolist(), ends.tolist(), strict=True)):
        permuted = room[: end - start]
        np.multiply(values[start:end], _FACTORS, out=permuted)
        np.add(permuted, _TERMS, out=permuted)
        found[row] = permuted.min(axis=0, initial=_MOST)
    return found


def similarities(signed: Signatures, first: Numbers, second: Numbers) -> NDArray[np.float64]:
    """Estimated Jaccard similarity of each pair of rows; standard error at most 0.045."""
    found = np.empty(len(first), np.float64)
    for start in range(0, len(first), _PAIRS):
        part = slice(start, start + _PAIRS)
        found[part] = (signed[first[part]] == signed[second[part]]).mean(axis=1)
    return found


def bands(signed: Signatures, rows: Numbers) -> Iterator[Keys]:
    """One key for each of `rows` and each band: rows with equal keys are likely alike."""
    for start in range(0, PERMUTATIONS, _ROWS):
        yield signed[rows, start : start + _ROWS].copy().view(np.uint64)[:, 0]
