"""Search structures derived anew: from the rows, and from the vectors that are intact.

A vector is kept once, so a damaged file of the dense index may have lost some. Documents that
lack one are set aside, and what is left of their vectors is kept until they are indexed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rag.protocols import Ids, Vectors
from rag.store.dense import DenseIndex
from rag.store.edits import Writer
from rag.store.entry import Entry, dense_entries
from rag.store.generation import Change, Generations

# Passages derived anew at a time: as much as a large commit.
_CHUNK = 50_000
_BLOCK = 4_096


class Repair:
    """One repair, while the index is held for writing; `dense` where it should have vectors."""

    def __init__(
        self, rows: Writer, generations: Generations, *, lexical: bool, dense: bool
    ) -> None:
        self._rows = rows
        self._generations = generations
        self._lexical = lexical
        self._salvaged: DenseIndex | None = None
        self._held: Ids = np.empty(0, np.int64)
        self._dense = dense
        if dense:
            self._salvaged = generations.salvaged(rows.meta("generation"))
            self._held = self._salvaged.rows() if self._salvaged else self._held

    def run(self) -> list[str]:
        """Derive everything anew; what was done, a line each."""
        done = []
        lost = self._set_aside() if self._dense else 0
        if lost:
            done.append(
                f"{lost} documents without vectors were set aside: run 'rag index' on their "
                "sources to bring them back"
            )
        passages = self._rebuild()
        done.append(f"search structures of {passages} passages were built anew")
        return done

    def _set_aside(self) -> int:
        """Remove the documents that lack a vector; how many they are."""
        found = self._rows.connection.execute("SELECT row, hash, document FROM passages")
        lost = {document for row, key, document in found if not self._has(row, key)}
        with self._rows.transaction():
            for row in sorted(lost):
                self._rescue(row)
                (name,) = self._rows.connection.execute(
                    "SELECT id FROM documents WHERE row = ?", [row]
                ).fetchone()
                self._rows.remove(name)
        return len(lost)

    def _has(self, row: int, key: bytes) -> bool:
        return self._is_held(row) or self._elsewhere(key) is not None

    def _is_held(self, row: int) -> bool:
        at = int(np.searchsorted(self._held, row))
        return at < len(self._held) and int(self._held[at]) == row

    def _elsewhere(self, key: bytes) -> Vectors | None:
        """The vector of a passage that is not where it should be, from an equal one."""
        if (kept := self._rows.vectors([key])) and key in kept:
            return kept[key]
        same = self._rows.connection.execute("SELECT row FROM passages WHERE hash = ?", [key])
        held = [row for (row,) in same if self._is_held(row)]
        return self._at(held[:1])[0] if held else None

    def _at(self, rows: Sequence[int]) -> Vectors:
        assert self._salvaged is not None
        return self._salvaged.at(np.array(rows, np.int64))

    def _rescue(self, document: int) -> None:
        """Keep the vectors that the passages of a document still have."""
        found = self._rows.connection.execute(
            "SELECT hash, row FROM passages WHERE document = ?", [document]
        )
        held = {key: row for key, row in found if self._is_held(row)}
        for keys in _blocks(list(held)):
            self._rows.add_vectors(keys, self._at([held[key] for key in keys]))

    def _rebuild(self) -> int:
        """Build the next generation from nothing, and publish it; how many passages it has."""
        former = self._rows.meta("generation")
        number, done = former + 1, 0
        self._generations.build(0, number, self._change([], 0))
        for entries in self._entries():
            done += len(entries)
            self._generations.build(number, number + 1, self._change(entries, done))
            number += 1
        with self._rows.transaction():
            self._rows.set_meta("generation", number)
            self._rows.set_meta("passages", done)
            self._rows.connection.execute(
                "DELETE FROM vectors WHERE hash IN (SELECT hash FROM passages)"
            )
        self._generations.remove_others(number)
        return done

    def _entries(self) -> Iterator[list[Entry]]:
        above = 0
        while entries := [Entry(*fields) for fields in self._rows.entries(above, _CHUNK)]:
            yield entries
            above = entries[-1].row

    def _change(self, entries: Sequence[Entry], passages: int) -> Change:
        none = np.empty(0, np.int64)
        terms = (entry.lexical() for entry in entries) if self._lexical else ()
        vectors = dense_entries(entries, self._vectors(entries)) if self._dense else None
        return Change(none, terms, vectors, passages)

    def _vectors(self, entries: Sequence[Entry]) -> Vectors:
        """The vectors `(n, dimension)` of passages, none of which lacks one."""
        if not entries:
            return np.empty((0, 0), np.float32)
        held = [at for at, entry in enumerate(entries) if self._is_held(entry.row)]
        found: dict[int, Vectors] = {}
        if held:
            found.update(zip(held, self._at([entries[at].row for at in held]), strict=True))
        for at, entry in enumerate(entries):
            if at not in found:
                vector = self._elsewhere(entry.key)
                assert vector is not None, entry.row
                found[at] = vector
        return np.stack([found[at] for at in range(len(entries))])


def _blocks(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (keys[start : start + _BLOCK] for start in range(0, len(keys), _BLOCK))
