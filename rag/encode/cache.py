"""Vectors of passages kept in a file, for trials that encode the same texts many times."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from rag.protocols import Encoder, Tokenizer, Vectors

_TABLE = (
    "CREATE TABLE IF NOT EXISTS vectors (hash BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
)


class CachedEncoder:
    """An encoder that remembers, in `folder`, the vectors of the passages it has seen.

    There is one SQLite file for each fingerprint, so that vectors never mix.
    """

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self._encoder = encoder
        self._lock = threading.Lock()
        # A plug-in's fingerprint may be any text: two may begin alike, or hold a slash.
        name = hashlib.sha256(encoder.fingerprint.encode()).hexdigest()[:16]
        self._path = folder / f"vectors-{name}.db"

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return self._encoder.dimension

    @property
    def fingerprint(self) -> str:
        """That of the encoder itself."""
        return self._encoder.fingerprint

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of passages."""
        return self._encoder.tokenizer

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, which are not kept."""
        return self._encoder.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimension)`: what is known is read, the rest encoded and kept."""
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        with self._lock, closing(sqlite3.connect(self._path)) as database:
            database.execute(_TABLE)
            known = _known(database, keys)
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
            if missing:
                vectors = self._encoder.encode_passages(list(missing.values()))
                known.update(zip(missing, vectors, strict=True))
                _keep(database, {key: known[key] for key in missing})
        return np.array([known[key] for key in keys], np.float32).reshape(-1, self.dimension)


def _known(database: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
    sql = "SELECT vector FROM vectors WHERE hash = ?"
    found = ((key, database.execute(sql, (key,)).fetchone()) for key in set(keys))
    return {key: np.frombuffer(row[0], np.float32) for key, row in found if row}


def _keep(database: sqlite3.Connection, vectors: Mapping[bytes, Vectors]) -> None:
    rows = ((key, vector.tobytes()) for key, vector in vectors.items())
    with database:
        database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
