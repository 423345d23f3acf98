"""Changes to the rows of an index's database, inside transactions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rag.store.rows import Rows
from rag.store.texts import packed
from rag.types import Document, Dropped, Failure, Passage

if TYPE_CHECKING:
    from rag.protocols import Vectors

_RUNS_KEPT = 500


class Writer(Rows):
    """Writing, inside a transaction of the caller's."""

    @contextmanager
    def transaction(self, *, flushed: bool = True) -> Iterator[None]:
        """All of the block is committed, or none of it.

        What is not `flushed` to the disk outlives the process, and may be lost with the power,
        together with what was committed after it; the next flush is for all.
        """
        self.connection.execute(f"PRAGMA synchronous = {'FULL' if flushed else 'NORMAL'}")
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

    def remove(self, document_id: str) -> tuple[list[tuple[int, bytes]], list[bytes]]:
        """Delete a document.

        Rows and hashes of the indexed passages that went with it, and hashes of the pruned ones.
        """
        found = self._one("SELECT row, language FROM documents WHERE id = ?", document_id)
        if found is None:
            return [], []
        document, language = found
        sql = "SELECT row, hash FROM passages WHERE document = ?"
        gone = self.connection.execute(sql, [document]).fetchall()
        pruned = self.connection.execute("SELECT hash FROM pruned WHERE document = ?", [document])
        pruned_keys = [key for (key,) in pruned]
        for table in ("passages", "pruned"):
            self._run(f"DELETE FROM {table} WHERE document = ?", document)
        self._run("DELETE FROM documents WHERE row = ?", document)
        self.texts.drop(document)
        self._count(language, -1)
        return gone, pruned_keys

    def add_document(
        self, document: Document, version: str, language: str, starts: Iterable[int] = ()
    ) -> int:
        """Insert a document that is not there; its row. Its passages begin at `starts`."""
        blocks = [block.record for block in document.blocks]
        cursor = self._run(
            "INSERT INTO documents (id, source, title, language, version, hash, metadata, "
            "blocks) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            document.id,
            document.source,
            document.title,
            language,
            version,
            bytes.fromhex(document.content_hash),
            json.dumps(dict(document.metadata), ensure_ascii=False),
            packed(json.dumps(blocks, ensure_ascii=False)),
        )
        row = int(cursor.lastrowid or 0)
        self._count(language, 1)
        self.texts.put(row, document.text, starts)
        return row

    def add_passage(self, document: int, passage: Passage, key: bytes) -> int:
        """Insert a passage; its row, never used before."""
        headings = json.dumps(passage.headings, ensure_ascii=False)
        cursor = self._run(
            "INSERT INTO passages (document, start, end, page, headings, place, "
            "context, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            document, passage.start, passage.end, passage.page, headings,
            passage.place, passage.context, key,
        )  # fmt: skip
        return int(cursor.lastrowid or 0)

    def add_dropped(self, document: int, dropped: Dropped, key: bytes) -> None:
        """Record a passage that is kept out of the index; `key` is that of its vector."""
        span = dropped.passage
        self._run(
            "INSERT INTO pruned (document, start, end, page, headings, place, context, "
            "hash, score, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            document, span.start, span.end, span.page,
            json.dumps(span.headings, ensure_ascii=False), span.place, span.context, key,
            dropped.score, dropped.reason,
        )  # fmt: skip

    def admit(self, row: int) -> int:
        """Move a row of `pruned` into the index; its row there, never used before."""
        columns = "document, start, end, page, headings, place, context, hash"
        cursor = self._run(
            f"INSERT INTO passages ({columns}) SELECT {columns} FROM pruned WHERE row = ?", row
        )
        self._run("DELETE FROM pruned WHERE row = ?", row)
        return int(cursor.lastrowid or 0)

    def expel(self, row: int, score: float, reason: str) -> None:
        """Move a row of `passages` out of the index."""
        columns = "document, start, end, page, headings, place, context, hash"
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
            "INSERT OR REPLACE INTO vectors (hash, vector) VALUES (?, ?)",
            zip(hashes, blobs, strict=True),
        )

    def forget_vectors(self, hashes: Iterable[bytes]) -> None:
        """Drop the vectors among `hashes` that are in the index, or that nothing has any more."""
        self.connection.executemany(
            "DELETE FROM vectors WHERE hash = ?1 "
            "AND (EXISTS (SELECT 1 FROM passages WHERE hash = ?1) "
            "OR NOT EXISTS (SELECT 1 FROM pruned WHERE hash = ?1))",
            ([key] for key in hashes),
        )

    def hashes(self, rows: Sequence[int], table: str = "passages") -> list[tuple[int, bytes]]:
        """`(row, hash)` of passages in the index, or of those in `pruned`."""
        sql = f"SELECT row, hash FROM {table} WHERE row IN (SELECT value FROM json_each(?))"
        return self.connection.execute(sql, [json.dumps(list(rows))]).fetchall()

    def pruned_alone(self, hashes: Iterable[bytes]) -> list[bytes]:
        """Those of `hashes` that pruned passages have, and none in the index."""
        sql = (
            "SELECT EXISTS (SELECT 1 FROM pruned WHERE hash = ?1) "
            "AND NOT EXISTS (SELECT 1 FROM passages WHERE hash = ?1)"
        )
        return [key for key in hashes if self._one(sql, key)[0]]

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

    def _count(self, language: str, more: int) -> None:
        """Count documents in a language that were added, or removed."""
        self._run(
            "INSERT INTO languages VALUES (?1, ?2) ON CONFLICT (language) "
            "DO UPDATE SET documents = documents + excluded.documents",
            language, more,
        )  # fmt: skip
        if more < 0:
            self._run("DELETE FROM languages WHERE documents < 1")

    def _run(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self.connection.execute(sql, values)
