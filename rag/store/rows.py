"""The rows of an index's database as our nouns: reading them, and writing them."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.errors import IndexDamagedError, IndexMismatchError
from rag.types import Block, Document, Dropped, Failure, Passage

if TYPE_CHECKING:
    from rag.protocols import Ids, Vectors

# Values that one statement takes.
_BATCH = 500
_RUNS_KEPT = 500
_IS_KEPT = "EXISTS (SELECT 1 FROM documents d WHERE d.source = f.source)"
_IS_STALE = "EXISTS (SELECT 1 FROM failures f WHERE f.source = d.source)"


@dataclass(frozen=True, slots=True)
class Known:
    """What tells whether an indexed document changed: see `Item` and `Document`."""

    version: str
    content_hash: str
    source: str

    def is_at(self, version: str) -> bool:
        """Whether `version` needs no reading; an empty one always does: see `Item`."""
        return self.version == version != ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A source that could not be read, `since` when (ISO 8601).

    It is `stale` where the last version that could be read stays in the index.
    """

    source: str
    error: str
    since: str
    stale: bool


class Rows:
    """Reading: the tables as documents, passages and vectors, on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def meta(self, key: str, default: Any = None) -> Any:
        """A value of the index's own record, such as its pipeline or its generation."""
        found = self._one("SELECT value FROM meta WHERE key = ?", key)
        return default if found is None else _recorded(found[0])

    def check_encoder(self, fingerprint: str) -> None:
        """Raise IndexMismatchError where another encoder made the index's vectors."""
        if self.meta("encoder", fingerprint) != fingerprint:
            raise IndexMismatchError(
                "the index was made by another encoder (other weights, prompts, length or "
                "precision): its vectors cannot be compared with this one's; run "
                "'rag index --rebuild' to make it anew"
            )

    def known(self, document_id: str) -> Known | None:
        """What is recorded of an indexed document; None where it is not indexed."""
        sql = "SELECT version, hash, source FROM documents WHERE id = ?"
        found = self._one(sql, document_id)
        return None if found is None else Known(*found)

    def document(self, name: str) -> Document | None:
        """A document by its id or its source."""
        found = self._one(
            "SELECT id, source, title, metadata, text, blocks FROM documents "
            "WHERE id = ?1 OR source = ?1",
            name,
        )
        if found is None:
            return None
        identity, source, title, metadata, text, blocks = found
        spans = _recorded(_unpacked(blocks))
        return Document(
            id=identity,
            source=source,
            title=title,
            text=_unpacked(text),
            blocks=tuple(Block(a, b, k, p, tuple(h), *more) for a, b, k, p, h, *more in spans),
            metadata=_recorded(metadata),
        )

    def sources(self) -> Iterator[tuple[str, str]]:
        """`(id, source)` of every document, by id."""
        yield from self.connection.execute("SELECT id, source FROM documents ORDER BY id")

    def ids_of(self, source: str) -> list[str]:
        """Ids of the documents of a source."""
        found = self.connection.execute("SELECT id FROM documents WHERE source = ?", [source])
        return [name for (name,) in found]

    def languages(self) -> list[str]:
        """Languages of the indexed documents, sorted."""
        found = self.connection.execute("SELECT DISTINCT language FROM documents ORDER BY 1")
        return [language for (language,) in found]

    def passages(self, rows: Sequence[int]) -> dict[int, Passage]:
        """Passages by row; rows that do not exist are left out."""
        found: dict[int, Passage] = {}
        for start in range(0, len(rows), _BATCH):
            batch = list(rows[start : start + _BATCH])
            found.update(self._select(f"p.row IN ({','.join('?' * len(batch))})", *batch))
        return found

    def passages_of(self, document_id: str) -> dict[int, Passage]:
        """Passages of one document, in order."""
        return self._select("d.id = ? ORDER BY p.start", document_id)

    def dropped(self, document_id: str) -> list[Dropped]:
        """What a pruner kept out of the index of one document, in order."""
        found = self.connection.execute(
            "SELECT p.start, p.end, p.text, p.score, p.reason, d.source, d.title "
            "FROM pruned p JOIN documents d ON d.row = p.document WHERE d.id = ? ORDER BY p.start",
            [document_id],
        )
        return [
            Dropped(Passage(document_id, start, end, text, source, title), score, reason)
            for start, end, text, score, reason, source, title in found
        ]

    def failures(self) -> list[Failure]:
        """Sources that could not be read when they were last tried."""
        return [Failure(one.source, one.error) for one in self.unread()]

    def unread(self) -> list[Unread]:
        """The same, with when it began and whether an earlier version is in the index."""
        found = self.connection.execute(
            f"SELECT f.source, f.error, f.since, {_IS_KEPT} FROM failures f ORDER BY f.source"
        )
        return [Unread(source, error, since, bool(kept)) for source, error, since, kept in found]

    def runs(self, last: int) -> list[dict[str, Any]]:
        """The latest index runs, newest first."""
        found = self.connection.execute(
            "SELECT started, seconds, report FROM runs ORDER BY id DESC LIMIT ?", [last]
        )
        return [{"started": a, "seconds": b, **_recorded(c)} for a, b, c in found]

    def counts(self) -> dict[str, int]:
        """How many documents, passages and pruned passages there are."""
        tables = ("documents", "passages", "pruned")
        return {name: self._one(f"SELECT count(*) FROM {name}")[0] for name in tables}

    def entries(self) -> Iterator[tuple[int, int, str, str, str, bytes]]:
        """`(row, document row, context, text, language, hash)` of every passage, by row."""
        yield from self.connection.execute(
            "SELECT p.row, p.document, p.context, p.text, d.language, p.hash "
            "FROM passages p JOIN documents d ON d.row = p.document ORDER BY p.row"
        )

    def vectors(self, hashes: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Vectors `(dimension,)` by passage hash; those not known are left out."""
        import numpy as np

        found: dict[bytes, Vectors] = {}
        for start in range(0, len(hashes), _BATCH):
            batch = list(hashes[start : start + _BATCH])
            marks = ",".join("?" * len(batch))
            sql = f"SELECT hash, vector FROM vectors WHERE hash IN ({marks})"
            for key, blob in self.connection.execute(sql, batch):
                found[key] = np.frombuffer(blob, np.float16).astype(np.float32)
        return found

    def _select(self, where: str, *values: object) -> dict[int, Passage]:
        found = self.connection.execute(
            "SELECT p.row, d.id, p.start, p.end, p.text, d.source, d.title, p.page, p.headings, "
            f"p.place, p.context, d.metadata, d.language, {_IS_STALE} "
            f"FROM passages p JOIN documents d ON d.row = p.document WHERE {where}",
            values,
        )
        return {fields[0]: _passage(fields[1:]) for fields in found}

    def _one(self, sql: str, *values: object) -> Any:
        return self.connection.execute(sql, values).fetchone()


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

    def add_dropped(self, document: int, dropped: Dropped) -> None:
        """Record a passage that is kept out of the index."""
        span = dropped.passage
        self._run(
            "INSERT INTO pruned VALUES (?, ?, ?, ?, ?, ?)",
            document, span.start, span.end, dropped.score, dropped.reason, span.text,
        )  # fmt: skip

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
        """Drop the vectors among `hashes` that no passage has any more."""
        self.connection.executemany(
            "DELETE FROM vectors WHERE hash = ?1 "
            "AND NOT EXISTS (SELECT 1 FROM passages WHERE hash = ?1)",
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


def select_documents(connection: sqlite3.Connection, where: str, values: Sequence[object]) -> Ids:
    """Rows of the documents that a condition in SQL selects, ascending."""
    import numpy as np

    sql = f"SELECT row FROM documents WHERE {where} ORDER BY row"
    return np.array([row for (row,) in connection.execute(sql, list(values))], np.int64)


def _passage(fields: Sequence[Any]) -> Passage:
    document_id, start, end, text, source, title, page, headings, place, context = fields[:10]
    metadata, language, stale = fields[10:]
    # The index's own word counts, whatever a document says of itself.
    known = {**_recorded(metadata), "language": language, "stale": True}
    if not stale:
        del known["stale"]
    path = tuple(_recorded(headings)) if headings != "[]" else ()
    return Passage(document_id, start, end, text, source, title, page, path, known, context, place)


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode(), 1)


def _unpacked(blob: bytes) -> str:
    try:
        return zlib.decompress(blob).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise _unreadable(error) from error


def _recorded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> IndexDamagedError:
    return IndexDamagedError(
        f"a record in the index is damaged ({error}): restore the index from a backup, or "
        "index again with 'rag index --rebuild'"
    )
