"""The terms of some passages, as they are kept: flat files of codes that are mapped, not read.

A code is a term's CRC-32, of 32 bits, so two terms of four billion may share one. Where a passage
has fifty terms and a question eight, one passage in ten million is taken to have a term oftener
than it does, and scores too high by that. It is the same one in every index.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Ids

Codes: TypeAlias = NDArray[np.uint32]
"""One code for each term of a passage, in its order, or of several passages."""

_Number = TypeVar("_Number", bound=np.generic)
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
        # Mapped now: a reader keeps its generation even when its files are unlinked.
        self._codes: Codes = _mapped(_codes_path(folder, name), _CODE, length)
        table = _mapped(_rows_path(folder, name), _ROW, 3 * passages).reshape(3, passages)
        self.rows: Ids = table[0]
        self._starts: Ids = table[1]
        self._lengths: Ids = table[2]

    def __len__(self) -> int:
        return len(self.rows)

    def places(self, rows: Ids) -> tuple[Ids, NDArray[np.bool_]]:
        """Where passage rows `(n,)` would stand, and whether they are here `(n,)`."""
        places = np.searchsorted(self.rows, rows)
        inside = places < len(self)
        inside[inside] = self.rows[places[inside]] == rows[inside]
        return places, inside

    def at(self, places: Ids) -> tuple[Ids, Codes]:
        """How many terms the passages at `places` have `(n,)`, and the codes of them all."""
        lengths = self._lengths[places]
        before = np.cumsum(lengths) - lengths
        shifts = np.repeat(self._starts[places] - before, lengths)
        found: Codes = self._codes[np.arange(len(shifts)) + shifts]
        return lengths, found


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


def _mapped(path: Path, kind: np.dtype[_Number], count: int) -> NDArray[_Number]:
    size = path.stat().st_size
    if size != count * kind.itemsize:
        raise ValueError(f"{path.name} has {size} bytes, not {count * kind.itemsize}")
    if not count:
        return np.empty(0, kind)
    return np.asarray(np.memmap(path, kind, "r", shape=(count,)))
