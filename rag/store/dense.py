"""Nearest passages by vector, on FAISS.

Vectors are kept in half precision, which FAISS scans several times faster than single
(`docs/decisions/dense-index.md`). They live in segments, immutable FAISS files that are
memory-mapped: a change adds a segment and marks rows deleted, and a segment is merged with its
elder when it has grown to half its size, so that an update costs what the change costs.
Segments up to `exact_up_to` vectors are searched exhaustively; larger ones by inverted lists.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Ids, Vectors
from rag.store.folders import link_tree

if TYPE_CHECKING:
    import faiss

# Deleted vectors are carried until they are this share of all.
_MOST_DELETED = 0.25
# Inverted lists probed, as a share of all; a test holds recall@10 on clustered vectors to 0.9.
_PROBED = 1 / 16
_TIES = 16
_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class DenseEntries:
    """Additions: passage rows and document rows `(n,)`, unit vectors `(n, dimension)`."""

    rows: Ids
    documents: Ids
    vectors: Vectors

    def blocks(self) -> Iterator[Vectors]:
        """The vectors, some at a time."""
        for start in range(0, len(self.rows), _BLOCK):
            yield self.vectors[start : start + _BLOCK]


class DenseEngine:
    """Builds and opens generations of a dense index, each a folder that never changes again."""

    def __init__(self, *, exact_up_to: int = 500_000) -> None:
        self.exact_up_to = exact_up_to

    def update(self, old: Path | None, new: Path, deleted: Ids, added: DenseEntries) -> None:
        """Make folder `new`: the generation in `old`, less `deleted` rows, plus `added`."""
        if old is None:
            new.mkdir()
            _write_list(new, [])
            np.save(new / "deleted.npy", np.empty(0, np.int64))
        else:
            link_tree(old, new)
        segments = [Segment(new, name) for name in _read_list(new)]
        gone = np.union1d(np.load(new / "deleted.npy"), deleted)
        segments, stale = self._arranged(new, segments, gone, added)
        gone = np.intersect1d(gone, _all_rows(segments))
        _replace_array(new / "deleted.npy", gone)
        _write_list(new, [segment.name for segment in segments])
        for segment in stale:
            segment.unlink()

    def open(self, folder: Path) -> DenseIndex:
        """Open a generation: files are mapped, not read."""
        deleted = np.load(folder / "deleted.npy")
        return DenseIndex([Segment(folder, name) for name in _read_list(folder)], deleted)

    def _arranged(
        self, folder: Path, segments: list[Segment], gone: Ids, added: DenseEntries
    ) -> tuple[list[Segment], list[Segment]]:
        """The segments to keep, with the additions, and those that they replace."""
        total = sum(len(segment) for segment in segments)
        merged: list[Segment] = []
        if total and len(gone) > _MOST_DELETED * total:
            merged, segments = segments, []
        # Names are never used twice: the files of the former generation have them too.
        name = str(1 + max((int(segment.name) for segment in (*segments, *merged)), default=0))
        size = len(added.rows) + sum(len(segment) for segment in merged)
        while len(added.rows) and segments and size * 2 >= len(segments[-1]):
            merged.insert(0, segments.pop())
            size += len(merged[0])
        entries: list[Survivors | DenseEntries] = [Survivors(segment, gone) for segment in merged]
        parts = [part for part in (*entries, added) if len(part.rows)]
        if parts:
            segments = [*segments, self._write(folder, name, parts)]
        return segments, merged

    def _write(self, folder: Path, name: str, parts: list[Survivors | DenseEntries]) -> Segment:
        import faiss

        rows = np.concatenate([part.rows for part in parts])
        documents = np.concatenate([part.documents for part in parts])
        index = self._empty(len(rows), next(_vectors(parts)).shape[1])
        if not index.is_trained:
            step = max(1, len(rows) // (64 * index.nlist))
            index.train(np.concatenate([block[::step] for block in _vectors(parts)]))
        for block in _vectors(parts):
            index.add(block)
        np.save(folder / f"{name}.rows.npy", np.stack([rows, documents]))
        faiss.write_index(index, str(folder / f"{name}.faiss"))
        return Segment(folder, name)

    def _empty(self, size: int, dimension: int) -> faiss.Index:
        import faiss

        half = faiss.ScalarQuantizer.QT_fp16
        if size <= self.exact_up_to:
            return faiss.IndexScalarQuantizer(dimension, half, faiss.METRIC_INNER_PRODUCT)
        lists = 4 * math.isqrt(size)
        coarse = faiss.IndexFlatIP(dimension)
        index = faiss.IndexIVFScalarQuantizer(
            coarse, dimension, lists, half, faiss.METRIC_INNER_PRODUCT, False
        )
        index.set_direct_map_type(faiss.DirectMap.Array)
        coarse.this.disown()
        index.own_fields = True
        return index


class Segment:
    """An immutable run of vectors: `NAME.faiss`, and `NAME.rows.npy` with `(2, n)` rows."""

    def __init__(self, folder: Path, name: str) -> None:
        import faiss

        self.name = name
        self._files = (folder / f"{name}.faiss", folder / f"{name}.rows.npy")
        # Mapped now: a reader keeps its generation even when its files are unlinked.
        self.index = faiss.read_index(str(self._files[0]), faiss.IO_FLAG_MMAP_IFC)
        self._table: Ids = np.load(self._files[1], mmap_mode="r")

    def __len__(self) -> int:
        return int(self._table.shape[1])

    @property
    def rows(self) -> Ids:
        """Passage rows `(n,)`, in the order of the vectors."""
        rows: Ids = self._table[0]
        return rows

    @property
    def documents(self) -> Ids:
        """Document rows `(n,)`, in the order of the vectors."""
        documents: Ids = self._table[1]
        return documents

    def search(
        self, vector: Vectors, k: int, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]]:
        """The `k` nearest `(row, cosine)` among the positions that `allowed` `(n,)` marks.

        Vectors that tie with the last are all given: equal texts have equal vectors.
        """
        there = len(self) if allowed is None else int(allowed.sum())
        # Few allowed vectors may lie in lists far from the query: then every list is looked at.
        everywhere = there < 2 * _PROBED * len(self)
        limit = k + _TIES
        while True:
            limit = min(limit, there)
            scores, rows = self._nearest(vector, limit, allowed, everywhere)
            if len(rows) < limit and not everywhere:
                everywhere = True
            elif len(rows) < limit or limit == there or scores[-1] < scores[k - 1]:
                return list(zip(rows.tolist(), scores.tolist(), strict=True))
            else:
                limit *= 4

    def _nearest(
        self, vector: Vectors, limit: int, allowed: NDArray[np.bool_] | None, everywhere: bool
    ) -> tuple[Vectors, Ids]:
        if not limit:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        parameters = self._parameters(allowed, everywhere)
        scores, positions = self.index.search(vector[None, :], limit, params=parameters)
        found = positions[0] >= 0
        return scores[0][found], self.rows[positions[0][found]]

    def _parameters(
        self, allowed: NDArray[np.bool_] | None, everywhere: bool
    ) -> faiss.SearchParameters | None:
        import faiss

        options = {}
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            options["sel"] = faiss.IDSelectorBitmap(bits)
        if not isinstance(self.index, faiss.IndexIVF):
            return faiss.SearchParameters(**options) if options else None
        lists = self.index.nlist
        probed = lists if everywhere else max(1, math.ceil(lists * _PROBED))
        return faiss.SearchParametersIVF(nprobe=probed, **options)

    def unlink(self) -> None:
        """Remove the files."""
        for path in self._files:
            path.unlink()


class Survivors:
    """The entries of a segment that are not deleted, read back for a merge or a check."""

    def __init__(self, segment: Segment, gone: Ids) -> None:
        self._segment = segment
        self._keep = np.flatnonzero(~np.isin(segment.rows, gone))
        self.rows: Ids = segment.rows[self._keep]
        self.documents: Ids = segment.documents[self._keep]

    def blocks(self) -> Iterator[Vectors]:
        """The vectors, some at a time."""
        for start in range(0, len(self._keep), _BLOCK):
            yield self._segment.index.reconstruct_batch(self._keep[start : start + _BLOCK])


class DenseIndex:
    """One opened generation; safe to search from several threads."""

    def __init__(self, segments: list[Segment], deleted: Ids) -> None:
        self._segments = segments
        self._deleted = deleted
        self._alive = [_alive(segment, deleted) for segment in segments]

    def __len__(self) -> int:
        return sum(len(segment) for segment in self._segments) - len(self._deleted)

    def rows(self) -> Ids:
        """Every passage row in the index, ascending."""
        return np.setdiff1d(_all_rows(self._segments), self._deleted)

    def vectors(self) -> Iterator[tuple[Ids, Vectors]]:
        """Rows with their vectors, block by block, for verification."""
        for segment in self._segments:
            entries = Survivors(segment, self._deleted)
            start = 0
            for block in entries.blocks():
                yield entries.rows[start : start + len(block)], block
                start += len(block)

    def search(
        self, vector: Vectors, k: int, documents: Ids | None = None
    ) -> list[tuple[int, float]]:
        """The `k` nearest `(row, cosine)`, within `documents` where given; ties with the last too.

        `vector` is `(dimension,)` of length one. Scores descend.
        """
        found: list[tuple[int, float]] = []
        if k < 1:
            return found
        for segment, alive in zip(self._segments, self._alive, strict=True):
            allowed = alive
            if documents is not None:
                inside = np.isin(segment.documents, documents)
                allowed = inside if alive is None else inside & alive
            found.extend(segment.search(vector, k, allowed))
        found.sort(key=lambda pair: -pair[1])
        last = found[min(k, len(found)) - 1][1] if found else 0.0
        return [pair for pair in found if pair[1] >= last]


def _alive(segment: Segment, deleted: Ids) -> NDArray[np.bool_] | None:
    alive = ~np.isin(segment.rows, deleted)
    return None if alive.all() else alive


def _all_rows(segments: list[Segment]) -> Ids:
    if not segments:
        return np.empty(0, np.int64)
    return np.sort(np.concatenate([segment.rows for segment in segments]))


def _vectors(parts: list[Survivors | DenseEntries]) -> Iterator[Vectors]:
    return (block for part in parts for block in part.blocks())


def _read_list(folder: Path) -> list[str]:
    names: list[str] = json.loads((folder / "segments.json").read_text())
    return names


def _write_list(folder: Path, names: list[str]) -> None:
    path = folder / "segments.json"
    # The old file may be shared with the former generation: replaced, never written into.
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(names))


def _replace_array(path: Path, array: NDArray[np.int64]) -> None:
    path.unlink(missing_ok=True)
    np.save(path, array)
