"""Numbers for sequences of words, and how often each was met."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.prune.hashing import Keys, factors, mixed
from rag.prune.words import Block, Flags, Numbers


def shingles(block: Block, size: int) -> tuple[Keys, Numbers]:
    """Every sequence of `size` words of a passage, and the passage's place in the block.

    A passage that is shorter gives one: all of its words.
    """
    left = np.repeat(block.bounds[1:], block.sizes) - np.arange(len(block.codes))
    kept = left >= size
    kept[block.bounds[:-1][block.sizes > 0]] = True
    keys = np.zeros(len(block.codes), np.uint64)
    for place, factor in enumerate(factors(size)[: len(keys)]):
        there = block.codes[place:] * factor
        there[left[: len(there)] <= place] = 0
        keys[: len(there)] += there
    return mixed(keys[kept]), block.owners[kept]


@dataclass(frozen=True, slots=True)
class Grouped:
    """Keys put together with their equals, and those by place, in the order they came in.

    `order` `(n,)` says where each was; `fresh` are the first of their key, and `first` the
    first of their key and place.
    """

    order: Numbers
    keys: Keys
    fresh: Flags
    first: Flags

    def spread(self, values: NDArray[np.int64], at: Flags) -> Numbers:
        """`values` of groups that start `at`, for each member, where the members were."""
        found = np.empty(len(self.order), values.dtype)
        found[self.order] = values[np.cumsum(at) - 1]
        return found


def grouped(keys: Keys, places: Numbers) -> Grouped:
    """Group `keys` `(n,)` that stand in `places` `(n,)`, which ascend.

    A sort of one array of numbers is several times faster than a stable one of two: the lowest
    bits of each key, of which enough others are left, make room for its position.
    """
    bits = np.uint64(len(keys).bit_length())
    positions = np.arange(len(keys), dtype=np.uint64)
    packed = np.sort((keys >> bits << bits) | positions)
    order = (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    fresh = _turns(packed >> bits)
    return Grouped(order, keys[order], fresh, fresh | _turns(places[order]))


def _turns(values: NDArray[np.uint64] | Numbers) -> Flags:
    """Where a value differs from the one before it."""
    turns = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=turns[1:])
    return turns


class Counts:
    """How often each key was added.

    Sorted runs, merged as they grow to the same size: a log-structured merge (O'Neil et al.,
    1996). 12 bytes for each distinct key.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Keys, NDArray[np.uint32]]] = []

    def add(self, keys: Keys) -> None:
        """Count each of `keys` once more."""
        if not len(keys):
            return
        found, counts = np.unique(keys, return_counts=True)
        self._runs.append((found, counts.astype(np.uint32)))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            self._merge()

    def settle(self) -> None:
        """Make one run of all, which is faster to look up."""
        while len(self._runs) > 1:
            self._merge()

    def of(self, keys: Keys) -> Numbers:
        """How often each of `keys` was added: `(len(keys),)`. Faster where they ascend."""
        found = np.zeros(len(keys), np.int64)
        for run, counts in self._runs:
            places = np.minimum(np.searchsorted(run, keys), len(run) - 1)
            found += np.where(run[places] == keys, counts[places], np.uint32(0))
        return found

    def _merge(self) -> None:
        (first, first_counts), (second, second_counts) = self._runs[-2:]
        keys = np.concatenate([first, second])
        order = np.argsort(keys, kind="stable")  # linear where two sorted runs are one
        keys, counts = keys[order], np.concatenate([first_counts, second_counts])[order]
        starts = np.flatnonzero(_turns(keys))
        self._runs[-2:] = [(keys[starts], np.add.reduceat(counts, starts, dtype=np.uint32))]
