"""The terms of some passages, as they are kept: flat files of codes, read where they stand.

A mapped file would take as much memory as all questions together have touched, in pages of which
they want a tenth.

A code is a term's CRC-32, of 32 bits, so two terms of four billion may share one. Where a passage
has fifty terms and a question eight, one passage in ten million is taken to have a term oftener
than it does, and scores too high by that. It is the same one in every index.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias
from weakref import finalize
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Ids

Codes: TypeAlias = NDArray[np.uint32]
"""One code for each term of a passage, in its order, or of several passages."""

_CODE, _ROW = np.dtype("<u4"), np.dtype("<i8")
# Codes that are held before they are written, and passages that are copied at a time.
_HELD, _BLOCK = 1 << 18, 4_096


def code(term: str) -> int:
    """The code of a term."""
    return crc32(term.encode())


class Terms:
    """The terms of `passages` passages, `length` in all, opened.

    `NAME.codes` has the codes of one passage after the other. `NAME.rows` has, by ascending row,
    the passages' rows, where the codes of each start, and how many there are: `(3, n)`.
    Raises ValueError where a file has another size.
    """

    def __init__(self, folder: Path, name: str, passages: int, length: int) -> None:
        self.name = name
        self.length = length
        codes, rows = _codes_path(folder, name), _rows_path(folder, name)
        _check_size(codes, length * _CODE.itemsize)
        _check_size(rows, 3 * passages * _ROW.itemsize)
        # Opened now: a reader keeps its generation even when its files are unlinked.
        self._codes = os.open(codes, os.O_RDONLY)
        finalize(self, os.close, self._codes)
        table = np.asarray(np.memmap(rows, _ROW, "r")) if passages else np.empty(0, _ROW)
        self.rows: Ids
        self._starts: Ids
        self._lengths: Ids
        self.rows, self._starts, self._lengths = table.reshape(3, passages)

    def __len__(self) -> int:
        return len(self.rows)

    def places(self, rows: Ids) -> tuple[Ids, NDArray[np.bool_]]:
        """Where passage rows `(n,)` would stand, and whether they are here `(n,)`."""
        places = np.searchsorted(self.rows, rows)
        inside = places < len(self)
        inside[inside] = self.rows[places[inside]] == rows[inside]
        return places, inside

    def at(self, places: Ids) -> tuple[Ids, Codes]:
        """How many terms the passages at `places` have `(n,)`, n > 0, and the codes of them all."""
        starts, lengths = self._starts[places], self._lengths[places]
        ends = starts + lengths
        # What lies side by side is read at once.
        apart = np.flatnonzero(starts[1:] != ends[:-1])
        begin = starts[np.append(0, apart + 1)] * _CODE.itemsize
        end = ends[np.append(apart, -1)] * _CODE.itemsize
        spans = zip((end - begin).tolist(), begin.tolist(), strict=True)
        read = b"".join(os.pread(self._codes, size, at) for size, at in spans)
        return lengths, np.frombuffer(read, _CODE)


class TermsWriter:
    """Writes the terms of passages, no more than a block of which is in memory."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder
        self._rows, self._lengths = array("q"), array("q")
        self._codes = array("I")

    @property
    def rows(self) -> Ids:
        """The rows so far, in the order they came in."""
        return np.array(self._rows, np.int64)

    def add(self, row: int, terms: Sequence[str]) -> None:
        """Write a passage."""
        self._rows.append(row)
        self._lengths.append(len(terms))
        self._codes.extend(map(code, terms))
        if len(self._codes) > _HELD:
            self._flush()

    def copy(self, terms: Terms, places: Ids) -> None:
        """Write the passages at `places` of others."""
        for start in range(0, len(places), _BLOCK):
            some = places[start : start + _BLOCK]
            lengths, codes = terms.at(some)
            self._rows.extend(terms.rows[some].tolist())
            self._lengths.extend(lengths.tolist())
            self._codes.frombytes(codes.tobytes())
            self._flush()

    def close(self) -> tuple[int, int]:
        """Finish the files; how many passages they have, and how many terms."""
        self._flush()
        rows, lengths = self.rows, np.array(self._lengths, np.int64)
        order = np.argsort(rows)
        table = np.stack([rows, np.cumsum(lengths) - lengths, lengths])[:, order]
        table.astype(_ROW).tofile(_rows_path(self._folder, self.name))
        return len(rows), int(lengths.sum())

    def _flush(self) -> None:
        with _codes_path(self._folder, self.name).open("ab") as file:
            np.array(self._codes, _CODE).tofile(file)
        del self._codes[:]


def remove_terms(folder: Path, name: str) -> None:
    """Delete the files of terms; who has opened them keeps them."""
    _codes_path(folder, name).unlink()
    _rows_path(folder, name).unlink()


def _codes_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.codes"


def _rows_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.rows"


def _check_size(path: Path, size: int) -> None:
    found = path.stat().st_size
    if found != size:
        raise ValueError(f"{path.name} has {found} bytes, not {size}")
