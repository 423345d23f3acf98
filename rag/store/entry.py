"""A passage as the derived indexes take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.protocols import Ids, LexicalEntry, Vectors
from rag.store.analysis import analyse
from rag.store.dense import DenseEntries


@dataclass(frozen=True, slots=True)
class Entry:
    """A passage of the index: its row, its document's, what is counted, and its vector's key."""

    row: int
    document: int
    context: str
    text: str
    language: str
    key: bytes

    def lexical(self) -> LexicalEntry:
        """Its terms."""
        return self.row, self.document, analyse(f"{self.context}\n{self.text}", self.language)


def dense_entries(entries: Sequence[Entry], vectors: Vectors) -> DenseEntries:
    """Passages with their vectors `(len(entries), dimension)`."""
    rows: Ids = np.array([entry.row for entry in entries], np.int64)
    documents: Ids = np.array([entry.document for entry in entries], np.int64)
    return DenseEntries(rows, documents, vectors)
