"""Builds and opens generations of a dense index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Ids, Vectors
from rag.store.dense.auto import AutoDense
from rag.store.dense.entries import DenseEntries
from rag.store.dense.index import DenseIndex
from rag.store.dense.searcher import DenseKind, Structure
from rag.store.dense.segment import Segment, Survivors, structure_path, vectors_path
from rag.store.dense.vectors import ReadVectors, write_vectors
from rag.store.folders import link_tree

# Deleted vectors are carried until they are this share of all.
_MOST_DELETED = 0.25
_LIST, _DELETED = "segments.json", "deleted.npy"

Part: TypeAlias = Survivors | DenseEntries
Listed: TypeAlias = dict[str, tuple[str, int]]
"""Segments by name, eldest first: by what each is searched, and how many vectors it has."""


class DenseEngine:
    """Builds and opens generations of a dense index, each a folder that never changes again."""

    def __init__(self, kind: DenseKind | None = None) -> None:
        self._kind: DenseKind = AutoDense() if kind is None else kind
        self._structures = {one.use: one for one in self._kind.structures()}

    def update(self, old: Path | None, new: Path, deleted: Ids, added: DenseEntries) -> None:
        """Make folder `new`: the generation in `old`, less `deleted` rows, plus `added`.

        Files that stay are the same files: they are linked.
        """
        if old is None:
            new.mkdir()
            _write_list(new, {})
            np.save(new / _DELETED, np.empty(0, np.int64))
        else:
            link_tree(old, new)
        listed = _read_list(new)
        segments = [Segment(new, name) for name in listed]
        gone = np.union1d(np.load(new / _DELETED), deleted)
        kept, merged = _arranged(segments, gone, len(added.rows))
        # Names are never used twice: the files of the former generation have them too.
        name = str(1 + max(map(int, listed), default=0))
        parts: list[Part] = [*(Survivors(segment, gone) for segment in merged), added]
        listed = {segment.name: listed[segment.name] for segment in kept}
        if written := [part for part in parts if len(part.rows)]:
            listed[name] = self._write(new, name, written)
        _replace_array(new / _DELETED, _still_there(gone, kept))
        _write_list(new, listed)
        for segment in merged:
            for path in new.glob(f"{segment.name}.*"):
                path.unlink()

    def open(self, folder: Path) -> DenseIndex:
        """Open a generation: files are mapped, not read.

        Raises ValueError where a segment was made by another kind.
        """
        return self._opened(folder, searchable=True)

    def open_vectors(self, folder: Path) -> DenseIndex:
        """Open a generation whose vectors are wanted alone, whatever kind made it.

        It cannot be searched, and the files of its structures need not be there.
        """
        return self._opened(folder, searchable=False)

    def _opened(self, folder: Path, *, searchable: bool) -> DenseIndex:
        deleted = np.load(folder / _DELETED)
        segments = [
            Segment(folder, name, self._structure(use) if searchable else None)
            for name, (use, _) in _read_list(folder).items()
        ]
        return DenseIndex(segments, deleted)

    def _structure(self, use: str) -> Structure:
        if use not in self._structures:
            wanted = ", ".join(sorted(self._structures))
            raise ValueError(f"the dense index is searched by '{use}', not by {wanted}")
        return self._structures[use]

    def _write(self, folder: Path, name: str, parts: list[Part]) -> tuple[str, int]:
        """Write a segment of all parts, in order; what searches it, and its size."""
        rows = np.concatenate([part.rows for part in parts])
        documents = np.concatenate([part.documents for part in parts])
        np.save(folder / f"{name}.rows.npy", np.stack([rows, documents]))
        path = vectors_path(folder, name)
        write_vectors(path, len(rows), parts[0].dimension, _blocks(parts))
        structure = self._kind.chosen(len(rows), parts[0].dimension)
        structure.write(ReadVectors(path), structure_path(folder, name))
        return structure.use, len(rows)


def _arranged(
    segments: list[Segment], gone: Ids, added: int
) -> tuple[list[Segment], list[Segment]]:
    """The segments to keep, and those to write anew with what is added."""
    total = sum(len(segment) for segment in segments)
    if total and len(gone) > _MOST_DELETED * total:
        return [], segments
    kept, size = list(segments), added
    merged: list[Segment] = []
    while added and kept and size * 2 >= len(kept[-1]):
        merged.insert(0, kept.pop())
        size += len(merged[0])
    return kept, merged


def _still_there(gone: Ids, segments: list[Segment]) -> Ids:
    """Those of the deleted rows, ascending, that a segment still has."""
    found = np.zeros(len(gone), bool)
    for segment in segments:
        found |= segment.places(gone)[1]
    return gone[found]


def _blocks(parts: list[Part]) -> Iterator[Vectors]:
    return (block for part in parts for block in part.blocks())


def _read_list(folder: Path) -> Listed:
    return {name: (use, size) for name, use, size in json.loads((folder / _LIST).read_text())}


def _write_list(folder: Path, listed: Listed) -> None:
    path = folder / _LIST
    # The old file may be shared with the former generation: replaced, never written into.
    path.unlink(missing_ok=True)
    path.write_text(json.dumps([[name, *entry] for name, entry in listed.items()]))


def _replace_array(path: Path, array: NDArray[np.int64]) -> None:
    path.unlink(missing_ok=True)
    np.save(path, array)
