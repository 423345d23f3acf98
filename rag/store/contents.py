"""The terms of passages, kept for the next question that finds the same ones.

Who scores a passage exactly has to know how often it has each term of the question. Terms are
kept as their hashes, of 64 bits: that two terms share one is not to be expected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rag.protocols import Ids

# Bytes that are kept: the terms of some 40,000 passages.
_KEPT = 24_000_000
# What an array takes beside its numbers, and its place among the others.
_BESIDE = 200


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each passage has each term asked for, and how many terms it has in all."""

    terms: Ids
    lengths: Ids


class Contents:
    """The terms of passages by row, about `kept` bytes of them. Threads may share it."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._known: dict[int, Ids] = {}
        self._held = 0

    def counts(
        self, terms: Iterable[str], rows: Sequence[int], read: Callable[[int], str]
    ) -> Counts:
        """int64 `(terms, rows)` and `(rows,)`; `read` gives the text of terms at a position."""
        found = [self._of(row, at, read) for at, row in enumerate(rows)]
        lengths = np.array([len(one) for one in found], np.int64)
        every = np.concatenate(found) if found else np.empty(0, np.int64)
        owners = np.repeat(np.arange(len(found)), lengths)
        counts = [np.bincount(owners[every == hash(one)], minlength=len(found)) for one in terms]
        return Counts(np.array(counts, np.int64).reshape(len(counts), len(found)), lengths)

    def _of(self, row: int, at: int, read: Callable[[int], str]) -> Ids:
        known = self._known.get(row)
        if known is None:
            known = np.fromiter(map(hash, read(at).split()), np.int64)
            self._keep(row, known)
        return known

    def _keep(self, row: int, terms: Ids) -> None:
        if self._held > self._kept:
            self._known, self._held = {}, 0
        self._known[row] = terms
        self._held += terms.nbytes + _BESIDE
