"""Vectors as they are kept: one flat file in half precision, which is FAISS's own format.

A file is what `faiss.write_index` writes of an `IndexScalarQuantizer` of 16-bit floats, so that
FAISS searches it where it is mapped. It is written block by block: the codes stand at its end,
and nothing before them depends on them but their number.
"""

from __future__ import annotations

import mmap
import os
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence, Sized
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Ids, Vectors

if TYPE_CHECKING:
    import faiss

# FAISS's name of the format, the dimension, and the number of vectors.
_HEAD = struct.Struct("<4siq")
_KIND = b"IxSQ"
_SIZE = struct.Struct("<Q")
_BLOCK = 16_384

Halves = NDArray[np.uint8]
"""Vectors as bytes `(n, 2 * dimension)`: each two are a number in half precision."""


class StoredVectors(Protocol):
    """The vectors of a segment, by their positions in it."""

    dimension: int

    def __len__(self) -> int: ...

    def halves(self, positions: Ids) -> Halves:
        """Vectors as they are kept, `(len(positions), 2 * dimension)` bytes."""
        ...


def empty_index(dimension: int) -> faiss.IndexScalarQuantizer:
    """FAISS's flat index of vectors in half precision, by inner product."""
    import faiss

    half = faiss.ScalarQuantizer.QT_fp16
    return faiss.IndexScalarQuantizer(dimension, half, faiss.METRIC_INNER_PRODUCT)


def write_vectors(path: Path, count: int, dimension: int, blocks: Iterable[Vectors]) -> None:
    """Write `count` vectors, block by block: no more than a block is in memory."""
    import faiss

    index = empty_index(dimension)
    index.ntotal = count
    head = faiss.serialize_index(index).tobytes()
    with path.open("wb") as file:
        file.write(head[: -_SIZE.size] + _SIZE.pack(count * dimension * 2))
        for block in blocks:
            file.write(block.astype(np.float16).tobytes())


class VectorFile(ABC):
    """An opened file of vectors. Nothing is read but its head.

    The file is kept open: who opened it keeps it, even when its name is removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        head = self._file.read(_HEAD.size)
        self.dimension: int
        self._count: int
        known = _HEAD.unpack(head) if len(head) == _HEAD.size else (b"", 0, 0)
        kind, self.dimension, self._count = known
        self._width = 2 * self.dimension
        self._start = os.fstat(self._file.fileno()).st_size - self._count * self._width
        if kind != _KIND or self._start < _HEAD.size:
            raise ValueError(f"{path.name} holds no vectors")

    def __len__(self) -> int:
        return self._count

    def at(self, positions: Ids) -> Vectors:
        """Vectors `(n, dimension)`."""
        return _floats(self.halves(positions))

    @abstractmethod
    def halves(self, positions: Ids) -> Halves:
        """Vectors as they are kept, `(n, 2 * dimension)` bytes."""

    def blocks(self, step: int = 1) -> Iterator[Vectors]:
        """Every `step`th vector, some at a time, read from the file."""
        for start in range(0, len(self), _BLOCK):
            stop = min(start + _BLOCK, len(self))
            first = start + -start % step
            if first < stop:
                yield _floats(self._read(start, stop)[first - start :: step])

    def _read(self, start: int, stop: int) -> Halves:
        data = os.pread(
            self._file.fileno(), (stop - start) * self._width, self._start + start * self._width
        )
        return np.frombuffer(data, np.uint8).reshape(stop - start, self._width)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def __del__(self) -> None:
        if file := getattr(self, "_file", None):
            file.close()


class MappedVectors(VectorFile):
    """Vectors in memory that the system fills from the file, and takes back."""

    @cached_property
    def index(self) -> faiss.IndexScalarQuantizer:
        """FAISS's flat index over the same file."""
        import faiss

        return faiss.read_index(str(self._path), faiss.IO_FLAG_MMAP_IFC)

    @cached_property
    def _map(self) -> Halves:
        if not len(self):
            return np.empty((0, self._width), np.uint8)
        whole = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(whole, np.uint8, offset=self._start).reshape(len(self), self._width)

    def halves(self, positions: Ids) -> Halves:
        """Vectors as they are kept, `(n, 2 * dimension)` bytes."""
        found: Halves = self._map[positions]
        return found


class ReadVectors(VectorFile):
    """Vectors that stay on disk: each is read where it stands, and none is kept.

    `reads` counts them.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reads = 0

    def halves(self, positions: Ids) -> Halves:
        """Vectors as they are kept, `(n, 2 * dimension)` bytes."""
        self.reads += len(positions)
        found = np.empty((len(positions), self._width), np.uint8)
        for place, position in zip(found, positions.tolist(), strict=True):
            place[:] = self._read(position, position + 1)[0]
        return found


class JoinedVectors:
    """Vectors of several files, one after the other: see `StoredVectors`."""

    def __init__(self, files: Sequence[StoredVectors]) -> None:
        self._files = files
        self._starts = starts(files)
        self.dimension = files[0].dimension

    def __len__(self) -> int:
        return int(self._starts[-1])

    def halves(self, positions: Ids) -> Halves:
        """Vectors as they are kept, `(n, 2 * dimension)` bytes."""
        found = np.empty((len(positions), 2 * self.dimension), np.uint8)
        for part, here, own in parted(positions, self._starts):
            found[here] = self._files[part].halves(own)
        return found


def starts(parts: Sequence[Sized]) -> Ids:
    """Where each of some parts begins that stand one after the other, and where the last ends."""
    return np.cumsum([0, *map(len, parts)])


def parted(positions: Ids, begins: Ids) -> Iterator[tuple[int, NDArray[np.bool_], Ids]]:
    """Positions `(n,)` by the part that has them: its number, which they are, and theirs in it."""
    owners = np.searchsorted(begins, positions, side="right") - 1
    for part in np.unique(owners).tolist():
        here = owners == part
        yield part, here, positions[here] - begins[part]


def _floats(halves: Halves) -> Vectors:
    vectors: Vectors = np.ascontiguousarray(halves).view(np.float16).astype(np.float32)
    return vectors
