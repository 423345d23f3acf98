"""Digests of numbers and of sequences of numbers, in 64 bits, the same on every machine."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Keys: TypeAlias = NDArray[np.uint64]

# Constants of the splitmix64 generator (Steele, Lea and Flood, 2014).
_STEP = 0x9E3779B97F4A7C15
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_THIRTY, _TWENTY_SEVEN, _THIRTY_ONE = np.uint64(30), np.uint64(27), np.uint64(31)
_BASE = 0xD1342543DE82EF95
_INVERSE = pow(_BASE, -1, 1 << 64)


def mixed(keys: Keys) -> Keys:
    """Each key spread over all 64 bits: the finaliser of splitmix64."""
    keys = (keys ^ (keys >> _THIRTY)) * _FIRST
    keys = (keys ^ (keys >> _TWENTY_SEVEN)) * _SECOND
    return keys ^ (keys >> _THIRTY_ONE)


def factors(count: int) -> Keys:
    """What the numbers of a sequence are multiplied by: odd, another for each place."""
    return (np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_STEP)) | np.uint64(1)


def powers(count: int) -> tuple[Keys, Keys]:
    """An odd base to the powers 0 to `count`, and their inverses."""
    size = 1 << max(16, count.bit_length())
    return _powers(_BASE, size)[: count + 1], _powers(_INVERSE, size)[: count + 1]


@lru_cache(maxsize=2)
def _powers(base: int, size: int) -> Keys:
    numbers = np.full(size, base, np.uint64)
    numbers[0] = 1
    return np.multiply.accumulate(numbers)
