"""The forward index of a lexical index: how often a passage has each term of a question.

It is made of segments that never change, in the folder of tantivy's own. A change adds one,
merged with those that it has outgrown, so that it costs what it changes. A row that is in two
segments is the younger one's: rows that were deleted are only left out when they are merged.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Ids
from rag.store.terms import Codes, Terms, TermsWriter, code, remove_terms

# Deleted passages are carried until they are this share of all.
_MOST_DELETED = 0.25
_LIST, _DELETED = "forward.json", "deleted.npy"
# Passages that are read at a time.
_BLOCK = 4_096


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each of `n` passages has each term, `(terms, n)`, and its terms in all `(n,)`."""

    terms: Ids
    lengths: Ids


class Forward:
    """The forward index of one generation; threads may share it.

    Raises ValueError or OSError where its files contradict its list.
    """

    def __init__(self, folder: Path) -> None:
        self._segments = _read_list(folder)

    def counts(self, terms: Collection[str], rows: Ids) -> Counts:
        """Count `terms` in the passages `rows` `(n,)`. Raises KeyError for one that is not here."""
        shape = len(terms), len(rows)
        counts = Counts(np.zeros(shape, np.int64), np.zeros(len(rows), np.int64))
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            size = len(rows[block])
            owners, codes = self._read(rows[block])
            counts.lengths[block] = np.bincount(owners, minlength=size)
            for term, count in zip(terms, counts.terms, strict=True):
                count[block] = np.bincount(
                    owners[np.flatnonzero(codes == code(term))], minlength=size
                )
        return counts

    def _read(self, rows: Ids) -> tuple[Ids, Codes]:
        """The codes of all terms of passages, and the position in `rows` that each belongs to."""
        owners, codes = [], []
        left = np.arange(len(rows))
        for segment in reversed(self._segments):
            places, inside = segment.places(rows[left])
            if inside.any():
                lengths, found = segment.at(places[inside])
                owners.append(np.repeat(left[inside], lengths))
                codes.append(found)
                left = left[~inside]
        if len(left):
            raise KeyError(f"passage {rows[left[0]]} is not in the forward index")
        return np.concatenate(owners), np.concatenate(codes)


class ForwardWriter:
    """Writes the forward index of the next generation: what is added, and then the rest.

    `folder` has the files of the former generation, or is `empty`.
    """

    def __init__(self, folder: Path, *, empty: bool) -> None:
        self._folder = folder
        if empty:
            _write_list(folder, [])
            np.save(folder / _DELETED, np.empty(0, np.int64))
        self._segments = _read_list(folder)
        # No file here has this name: it is appended to.
        name = 1 + max((int(segment.name) for segment in self._segments), default=0)
        self._written = TermsWriter(folder, str(name))

    def add(self, row: int, terms: Sequence[str]) -> None:
        """Write a passage."""
        self._written.add(row, terms)

    def close(self, deleted: Ids) -> None:
        """Finish, without the rows that are `deleted` and were not added."""
        added = self._written.rows
        gone = np.union1d(np.load(self._folder / _DELETED), deleted)
        gone = gone[_held(gone, self._segments)]
        count = _kept([len(segment) for segment in self._segments], len(gone), len(added))
        kept, merged = self._segments[:count], self._segments[count:]
        for segment in reversed(merged):
            left_out = np.isin(segment.rows, gone) | np.isin(segment.rows, self._written.rows)
            self._written.copy(segment, np.flatnonzero(~left_out))
        gone = np.setdiff1d(gone, added)
        self._publish(kept, gone[_held(gone, kept)])
        for segment in merged:
            remove_terms(self._folder, segment.name)

    def _publish(self, kept: Sequence[Terms], gone: Ids) -> None:
        listed = [(segment.name, len(segment), segment.length) for segment in kept]
        if len(self._written.rows):
            listed.append((self._written.name, *self._written.close()))
        (self._folder / _DELETED).unlink()
        np.save(self._folder / _DELETED, gone)
        _write_list(self._folder, listed)


def _kept(sizes: Sequence[int], gone: int, added: int) -> int:
    """How many segments, eldest first, stay as they are; the others are written anew."""
    if gone > _MOST_DELETED * sum(sizes):
        return 0
    kept, size = len(sizes), added
    while added and kept and size * 2 >= sizes[kept - 1]:
        kept -= 1
        size += sizes[kept]
    return kept


def _held(rows: Ids, segments: Sequence[Terms]) -> NDArray[np.bool_]:
    """Which of the rows a segment has `(n,)`."""
    found = np.zeros(len(rows), bool)
    for segment in segments:
        found |= segment.places(rows)[1]
    return found


def _read_list(folder: Path) -> list[Terms]:
    """The segments, eldest first."""
    listed = json.loads((folder / _LIST).read_text())
    return [Terms(folder, name, passages, length) for name, passages, length in listed]


def _write_list(folder: Path, listed: Sequence[tuple[str, int, int]]) -> None:
    path = folder / _LIST
    # The old file may be shared with the former generation: replaced, never written into.
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(listed))
