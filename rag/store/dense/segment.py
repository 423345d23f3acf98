"""Segments: immutable runs of vectors, of which an index is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Ids, Vectors
from rag.store.dense.searcher import Searcher, Structure
from rag.store.dense.vectors import MappedVectors, ReadVectors, VectorFile


class Segment:
    """Vectors with their rows, and what searches them.

    `NAME.faiss` is a file of vectors, `NAME.rows.npy` has passage rows, ascending, and document
    rows `(2, n)`, and `NAME.structure` is what the kind made of the vectors, where it needs one.
    Without `structure` the vectors can be read, and not be searched.
    """

    def __init__(self, folder: Path, name: str, structure: Structure | None = None) -> None:
        self.name = name
        self.structure = structure
        # Opened now: a reader keeps its generation even when its files are unlinked.
        self._table: Ids = np.load(folder / f"{name}.rows.npy", mmap_mode="r")
        from_disk = structure is None or structure.reads_from_disk
        opened = ReadVectors if from_disk else MappedVectors
        self.vectors: VectorFile = opened(vectors_path(folder, name))
        if len(self.vectors) != self._table.shape[1]:
            raise ValueError(f"{name}.rows.npy and {name}.faiss differ in size")
        self.searcher: Searcher | None = None
        if structure is not None:
            self.searcher = structure.open(self.vectors, structure_path(folder, name))

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def rows(self) -> Ids:
        """Passage rows `(n,)`, ascending."""
        rows: Ids = self._table[0]
        return rows

    @property
    def documents(self) -> Ids:
        """Document rows `(n,)`, in the order of the vectors."""
        documents: Ids = self._table[1]
        return documents

    def places(self, rows: Ids) -> tuple[Ids, NDArray[np.bool_]]:
        """Where passage rows `(n,)` would stand, and whether they are here `(n,)`."""
        places = np.searchsorted(self.rows, rows)
        inside = places < len(self)
        inside[inside] = self.rows[places[inside]] == rows[inside]
        return places, inside

    def marks(self, deleted: Ids, documents: Ids | None = None) -> NDArray[np.bool_]:
        """Which of the vectors `(n,)` are not `deleted`, and of `documents` where given."""
        marks: NDArray[np.bool_]
        if documents is None:
            marks = np.ones(len(self), bool)
        else:
            marks = np.isin(self.documents, documents)
        places, inside = self.places(deleted)
        marks[places[inside]] = False
        return marks


class Survivors:
    """The entries of a segment that are not deleted, read back for a merge or a check."""

    def __init__(self, segment: Segment, gone: Ids) -> None:
        self._segment = segment
        places, inside = segment.places(gone)
        keep = np.ones(len(segment), bool)
        keep[places[inside]] = False
        self._keep = np.flatnonzero(keep)
        self.rows: Ids = segment.rows[self._keep]
        self.documents: Ids = segment.documents[self._keep]

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return self._segment.vectors.dimension

    def blocks(self) -> Iterator[Vectors]:
        """The vectors, some at a time."""
        start = 0
        for block in self._segment.vectors.blocks():
            first, last = np.searchsorted(self._keep, (start, start + len(block)))
            if first < last:
                yield block[self._keep[first:last] - start]
            start += len(block)


def vectors_path(folder: Path, name: str) -> Path:
    """The file of a segment's vectors."""
    return folder / f"{name}.faiss"


def structure_path(folder: Path, name: str) -> Path:
    """The file of a segment's structure."""
    return folder / f"{name}.structure"
