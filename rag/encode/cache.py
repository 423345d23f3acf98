"""Vectors of passages kept in a file, for trials that encode the same texts many times."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import numpy as np

from rag.protocols import Encoder, TokenEncoder, TokenVectors, Vectors
from rag.wrapping import WrappedEncoder

_TABLE = (
    "CREATE TABLE IF NOT EXISTS vectors (hash BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
)


class CachedEncoder(WrappedEncoder):
    """An encoder that remembers, in `folder`, the vectors of the passages it has seen.

    There is one SQLite file for each fingerprint, so that vectors never mix. Where `encoder`
    gives the vectors of tokens, what is made is a `CachedTokenEncoder`.
    """

    def __new__(cls, encoder: Encoder, *_: Any, **__: Any) -> CachedEncoder:
        """One that gives what `encoder` gives. Asking for the method alone loads no model."""
        tokens = cls is CachedEncoder and hasattr(encoder, "encode_tokens")
        return super().__new__(CachedTokenEncoder if tokens else cls)

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        super().__init__(encoder)
        self._lock = threading.Lock()
        # A plug-in's fingerprint may be any text: two may begin alike, or hold a slash.
        name = hashlib.sha256(encoder.fingerprint.encode()).hexdigest()[:16]
        self._path = folder / f"vectors-{name}.db"

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


class CachedTokenEncoder(CachedEncoder):
    """The same with the vectors of tokens, which are passed on and not kept."""

    def encode_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """Tokens of passages, as the encoder itself gives them."""
        return cast(TokenEncoder, self._encoder).encode_tokens(texts)

    def encode_query_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """The same for questions."""
        return cast(TokenEncoder, self._encoder).encode_query_tokens(texts)

    def pooled(self, means: Vectors) -> Vectors:
        """What the encoder makes of means."""
        return cast(TokenEncoder, self._encoder).pooled(means)


def _known(database: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
    sql = "SELECT vector FROM vectors WHERE hash = ?"
    found = ((key, database.execute(sql, (key,)).fetchone()) for key in set(keys))
    return {key: np.frombuffer(row[0], np.float32) for key, row in found if row}


def _keep(database: sqlite3.Connection, vectors: Mapping[bytes, Vectors]) -> None:
    rows = ((key, vector.tobytes()) for key, vector in vectors.items())
    with database:
        database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
