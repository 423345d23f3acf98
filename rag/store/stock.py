"""Where the vectors of an index are: once, in the published generation or in the database.

The table `vectors` has those that are not in the generation: made and not yet committed, and
those of passages that are pruned. A commit moves them, inside its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rag.protocols import Vectors
from rag.store.dense import DenseIndex
from rag.store.edits import Writer
from rag.store.generation import Generations

# Vectors copied at a time from the generation into the table.
_BLOCK = 4_096


class VectorStock:
    """The vectors that a writer knows, by the hash of their passage."""

    def __init__(self, rows: Writer, generations: Generations) -> None:
        self._rows = rows
        self._generations = generations
        self._number: int = rows.meta("generation")
        self._opened: DenseIndex | None = None

    def missing(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Those of `hashes` that no vector is known for, each once, in order."""
        asked = list(dict.fromkeys(hashes))
        kept = self._rows.known_vectors(asked)
        left = [key for key in asked if key not in kept]
        indexed = self._rows.indexed(left)
        return [key for key in left if key not in indexed]

    def of(self, hashes: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Vectors `(dimension,)` by hash; those not known are left out."""
        found = self._rows.vectors(hashes)
        left = [key for key in dict.fromkeys(hashes) if key not in found]
        return found | self._published(self._rows.indexed(left))

    def settle(
        self, added: Iterable[bytes], gone: Mapping[bytes, int], pruned: Iterable[bytes]
    ) -> None:
        """Follow a commit: `added` are in the index now; `gone` were, at these rows.

        `pruned` are of passages that were pruned, and went. What was published before must still
        be on disk.
        """
        lost = self._rows.pruned_alone(gone)
        for start in range(0, len(lost), _BLOCK):
            keys = lost[start : start + _BLOCK]
            known = self._rows.known_vectors(keys)
            self.keep(self._published({key: gone[key] for key in keys if key not in known}))
        self._rows.forget_vectors({*added, *gone, *pruned})

    def keep(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Put vectors into the table, inside a transaction of the caller's."""
        if vectors:
            self._rows.add_vectors(list(vectors), np.stack([*vectors.values()]))

    def follow(self) -> None:
        """Another generation has been published."""
        self._number, self._opened = self._rows.meta("generation"), None

    def _published(self, rows: Mapping[bytes, int]) -> dict[bytes, Vectors]:
        """Vectors of passages in the published generation, by the hash that leads to their row."""
        if not rows:
            return {}
        if self._opened is None:
            self._opened = self._generations.open_vectors(self._number)
        found = self._opened.at(np.array([*rows.values()], np.int64))
        return dict(zip(rows, found, strict=True))
