"""Changes to the rows of an index's database, inside transactions."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rag.store.rows import Rows
from rag.types import Document, Dropped, Failure, Passage

if TYPE_CHECKING:
    from rag.protocols import Vectors

_RUNS_KEPT = 500


class Writer(Rows):
    """Writing, inside a transaction of the caller's."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block is committed, or none of it."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            # A full disk may already have rolled the transaction back.
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def set_meta(self, key: str, value: Any) -> None:
        """Record a value of the index itself."""
        self._run("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, json.dumps(value))

    def remove(self, document_id: str) -> tuple[list[int], list[bytes]]:
        """Delete a document; the rows and hashes of the passages that went with it."""
        found = self._one("SELECT row FROM documents WHERE id = ?", document_id)
        if found is None:
            return [], []
        gone = self.connection.execute("SELECT row, hash FROM passages WHERE document = ?", found)
        rows, hashes = [], []
        for row, key in gone:
            rows.append(row)
            hashes.append(key)
        pruned = self.connection.execute("SELECT hash FROM pruned WHERE document = ?", found)
        hashes.extend(key for (key,) in pruned)
        for table, column in (
            ("passages", "document"),
            ("pruned", "document"),
            ("documents", "row"),
        ):
            self.connection.execute(f"DELETE FROM {table} WHERE {column} = ?", found)
        return rows, hashes

    def add_document(self, document: Document, version: str, language: str) -> int:
        """Insert a document that is not there; its row."""
        blocks = [block.record for block in document.blocks]
        cursor = self._run(
            "INSERT INTO documents (id, source, title, language, version, hash, metadata, text, "
            "blocks) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            document.id,
            document.source,
            document.title,
            language,
            version,
            document.content_hash,
            json.dumps(dict(document.metadata), ensure_ascii=False),
            _packed(document.text),
            _packed(json.dumps(blocks, ensure_ascii=False)),
        )
        return int(cursor.lastrowid or 0)

    def add_passage(self, document: int, passage: Passage, key: bytes) -> int:
        """Insert a passage; its row, never used before."""
        headings = json.dumps(passage.headings, ensure_ascii=False)
        cursor = self._run(
            "INSERT INTO passages (document, start, end, text, page, headings, place, "
            "context, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            document, passage.start, passage.end, passage.text, passage.page, headings,
            passage.place, passage.context, key,
        )  # fmt: skip
        return int(cursor.lastrowid or 0)

    def add_dropped(self, document: int, dropped: Dropped, key: bytes) -> None:
        """Record a passage that is kept out of the index; `key` is that of its vector."""
        span = dropped.passage
        self._run(
            "INSERT INTO pruned (document, start, end, text, page, headings, place, context, "
            "hash, score, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            document, span.start, span.end, span.text, span.page,
            json.dumps(span.headings, ensure_ascii=False), span.place, span.context, key,
            dropped.score, dropped.reason,
        )  # fmt: skip

    def admit(self, row: int) -> int:
        """Move a row of `pruned` into the index; its row there, never used before."""
        columns = "document, start, end, text, page, headings, place, context, hash"
        cursor = self._run(
            f"INSERT INTO passages ({columns}) SELECT {columns} FROM pruned WHERE row = ?", row
        )
        self._run("DELETE FROM pruned WHERE row = ?", row)
        return int(cursor.lastrowid or 0)

    def expel(self, row: int, score: float, reason: str) -> None:
        """Move a row of `passages` out of the index."""
        columns = "document, start, end, text, page, headings, place, context, hash"
        self._run(
            f"INSERT INTO pruned ({columns}, score, reason) "
            f"SELECT {columns}, ?, ? FROM passages WHERE row = ?",
            score, reason, row,
        )  # fmt: skip
        self._run("DELETE FROM passages WHERE row = ?", row)

    def set_verdict(self, row: int, score: float, reason: str) -> None:
        """Record anew what is thought of a row of `pruned`."""
        self._run("UPDATE pruned SET score = ?, reason = ? WHERE row = ?", score, reason, row)

    def add_qualities(self, fingerprint: str, scores: Mapping[bytes, float]) -> None:
        """Remember what a model said of passages, by the hash of their text."""
        self.connection.executemany(
            "INSERT OR REPLACE INTO qualities VALUES (?, ?, ?)",
            ((fingerprint, key, score) for key, score in scores.items()),
        )

    def touch(self, document_id: str, version: str) -> None:
        """Record that a document's bytes were looked at and say the same as before."""
        self._run("UPDATE documents SET version = ? WHERE id = ?", version, document_id)

    def add_vectors(self, hashes: Sequence[bytes], vectors: Vectors) -> None:
        """Remember vectors `(n, dimension)` by passage hash, in half precision."""
        import numpy as np

        blobs = (row.tobytes() for row in vectors.astype(np.float16))
        self.connection.executemany(
            "INSERT OR REPLACE INTO vectors VALUES (?, ?)", zip(hashes, blobs, strict=True)
        )

    def forget_vectors(self, hashes: Iterable[bytes]) -> None:
        """Drop the vectors among `hashes` that no passage has any more, indexed or pruned."""
        self.connection.executemany(
            "DELETE FROM vectors WHERE hash = ?1 "
            "AND NOT EXISTS (SELECT 1 FROM passages WHERE hash = ?1) "
            "AND NOT EXISTS (SELECT 1 FROM pruned WHERE hash = ?1)",
            ([key] for key in hashes),
        )

    def set_failures(self, failed: Iterable[Failure], settled: Iterable[str], since: str) -> None:
        """Record what could not be read, and forget the failures of `settled` sources.

        What failed before keeps the time when it began.
        """
        self.connection.executemany("DELETE FROM failures WHERE source = ?", ([s] for s in settled))
        self.connection.executemany(
            "INSERT INTO failures (source, error, since) VALUES (?, ?, ?) "
            "ON CONFLICT (source) DO UPDATE SET error = excluded.error",
            ([f.source, f.error, since] for f in failed),
        )

    def add_run(self, started: str, seconds: float, report: dict[str, Any]) -> None:
        """Add a line to the log of index runs."""
        sql = "INSERT INTO runs (started, seconds, report) VALUES (?, ?, ?)"
        self._run(sql, started, seconds, json.dumps(report, ensure_ascii=False))
        self._run("DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - ?", _RUNS_KEPT)

    def _run(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self.connection.execute(sql, values)


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode(), 1)
