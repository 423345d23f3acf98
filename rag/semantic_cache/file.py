"""Kept answers on disk: one SQLite file, with answers as JSON. Processes may share one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.protocols import Vectors
from rag.semantic_cache.plain import read, written
from rag.types import Answer

NAME = "answers.db"
# Seconds to wait for another process that writes.
_BUSY = 2.0
_FORMAT = 1
# What is left of a cache that grew too large, and how many wordings are known for each answer.
_KEPT = 0.9
_WORDINGS = 20
_TABLES = """
CREATE TABLE IF NOT EXISTS state (
    one INTEGER PRIMARY KEY CHECK (one = 1), scope TEXT NOT NULL, losses INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, filters TEXT NOT NULL,
    question TEXT NOT NULL, names TEXT NOT NULL, vector BLOB, answer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS wordings (
    id INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, filters TEXT NOT NULL,
    wording TEXT NOT NULL, entry INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    near INTEGER, similarity REAL NOT NULL, risk REAL NOT NULL, known INTEGER NOT NULL,
    UNIQUE (space, filters, wording));
CREATE TABLE IF NOT EXISTS observations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entry INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE, wording TEXT NOT NULL,
    similarity REAL NOT NULL, risk REAL NOT NULL, right INTEGER NOT NULL,
    UNIQUE (entry, wording));
CREATE INDEX IF NOT EXISTS wordings_by_entry ON wordings (entry);
INSERT OR IGNORE INTO state VALUES (1, '', 0);
"""
_MADE = f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_FORMAT}; COMMIT;"


@dataclass(frozen=True, slots=True)
class Entry:
    """A kept question. It leads to its answer for other wordings where it has a `vector`."""

    id: int
    filters: str
    question: str
    names: frozenset[str]
    vector: Vectors | None


@dataclass(frozen=True, slots=True)
class Said:
    """What was said to a wording: the answer of `entry`, and how like it `near` was.

    `near` is the kept question that it was compared with, `known` whether its own answer was
    right for it, as far as is known.
    """

    entry: int
    near: int | None = None
    similarity: float = 1.0
    risk: float = 0.0
    known: bool = True


@dataclass(frozen=True, slots=True)
class Observation:
    """The answer of `entry` was right for `wording`, or was not; `risk` is what was predicted."""

    id: int
    entry: int
    wording: str
    similarity: float
    risk: float
    right: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question belongs: the pipeline and its models, and the filters as text."""

    space: str
    filters: str
    wording: str


class AnswerFile:
    """The file in `folder`, opened for each use. Raises sqlite3.Error, OSError and ValueError."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    @contextmanager
    def reading(self, scope: str) -> Iterator[Rows | None]:
        """What is kept for `scope`; None where there is nothing."""
        if not self.path.is_file():
            yield None
            return
        with self._opened() as database:
            database.execute("BEGIN")
            rows = Rows(database)
            yield rows if rows.scope() == scope else None

    @contextmanager
    def writing(self, scope: str) -> Iterator[Rows]:
        """The same to write to, in one transaction; what was kept for another scope is removed."""
        with self._opened() as database:
            database.execute("BEGIN IMMEDIATE")
            rows = Rows(database)
            rows.hold_to(scope)
            yield rows
            database.execute("COMMIT")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        opened = sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None)
        with closing(opened) as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version not in {0, _FORMAT}:
                raise ValueError(f"it has format {version}, and this ragline reads {_FORMAT}")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("PRAGMA foreign_keys = ON")
            if version == 0:
                database.execute("PRAGMA journal_mode = WAL")
                database.executescript(_MADE)
            yield database


class Rows:
    """The tables within a transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def scope(self) -> str:
        """What the answers are kept for."""
        return str(self._one("SELECT scope FROM state")[0])

    def hold_to(self, scope: str) -> None:
        """Remove what was kept for anything else."""
        if self.scope() != scope:
            self._run("DELETE FROM entries")
            self._run("UPDATE state SET scope = ?, losses = losses + 1", scope)

    def losses(self) -> int:
        """A number that grows whenever something is taken away or changed."""
        return int(self._one("SELECT losses FROM state")[0])

    def lose(self) -> None:
        """Say that something was taken away or changed."""
        self._run("UPDATE state SET losses = losses + 1")

    def entries(self, space: str, after: int) -> Iterator[Entry]:
        """The questions of a space that lead to answers, from the first after number `after`."""
        import numpy as np

        sql = (
            "SELECT id, filters, question, names, vector FROM entries "
            "WHERE space = ? AND id > ? AND vector IS NOT NULL ORDER BY id"
        )
        for number, filters, question, names, vector in self._all(sql, space, after):
            made = np.frombuffer(vector, np.float32)
            yield Entry(number, filters, question, frozenset(json.loads(names)), made)

    def observations(self, space: str, after: int) -> Iterator[Observation]:
        """What was observed in a space, from the first after number `after`."""
        sql = (
            "SELECT o.id, entry, wording, similarity, risk, right FROM observations o "
            "JOIN entries e ON e.id = entry WHERE space = ? AND o.id > ? ORDER BY o.id"
        )
        for number, entry, wording, similarity, risk, right in self._all(sql, space, after):
            yield Observation(number, entry, wording, similarity, risk, bool(right))

    def answer(self, entry: int) -> Answer | None:
        """The answer of a kept question."""
        found = self._one("SELECT answer FROM entries WHERE id = ?", entry)
        return read(found[0]) if found else None

    def said(self, place: Place) -> Said | None:
        """What was said to a wording."""
        sql = (
            "SELECT entry, near, similarity, risk, known FROM wordings "
            "WHERE space = ? AND filters = ? AND wording = ?"
        )
        found = self._one(sql, place.space, place.filters, place.wording)
        if not found:
            return None
        entry, near, similarity, risk, known = found
        return Said(entry, near, similarity, risk, bool(known))

    def say(self, place: Place, said: Said) -> None:
        """Note what was said to a wording."""
        self._run(
            "INSERT OR REPLACE INTO wordings "
            "(space, filters, wording, entry, near, similarity, risk, known) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            place.space, place.filters, place.wording,
            said.entry, said.near, said.similarity, said.risk, said.known,
        )  # fmt: skip

    def unsay(self, place: Place) -> None:
        """Forget what was said to a wording."""
        self._run(
            "DELETE FROM wordings WHERE space = ? AND filters = ? AND wording = ?",
            place.space, place.filters, place.wording,
        )  # fmt: skip

    def add(
        self, place: Place, names: frozenset[str], vector: Vectors | None, answer: Answer
    ) -> int:
        """Keep an answer; the number of its entry."""
        import numpy as np

        cursor = self._run(
            "INSERT INTO entries (space, filters, question, names, vector, answer) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            place.space, place.filters, place.wording, json.dumps(sorted(names)),
            None if vector is None else np.asarray(vector, np.float32).tobytes(), written(answer),
        )  # fmt: skip
        return int(cursor.lastrowid or 0)

    def has(self, entry: int) -> bool:
        """Whether a kept question is still there."""
        return bool(self._one("SELECT 1 FROM entries WHERE id = ?", entry))

    def drop(self, entry: int) -> None:
        """Forget a kept question with all that was observed of it."""
        self._run("DELETE FROM entries WHERE id = ?", entry)
        self.lose()

    def observed(self, entry: int, wording: str) -> bool | None:
        """Whether the answer of `entry` was right for `wording`; None where nobody knows."""
        sql = "SELECT right FROM observations WHERE entry = ? AND wording = ?"
        found = self._one(sql, entry, wording)
        return bool(found[0]) if found else None

    def observe(self, wording: str, said: Said, right: bool) -> None:
        """Note whether the answer of the question that was `near` is right for `wording`."""
        assert said.near is not None
        known = self.observed(said.near, wording)
        if known == right or not self.has(said.near):
            return
        self._run(
            "INSERT OR REPLACE INTO observations (entry, wording, similarity, risk, right) "
            "VALUES (?, ?, ?, ?, ?)",
            said.near, wording, said.similarity, said.risk, right,
        )  # fmt: skip
        if known is not None:
            self.lose()

    def shrink(self, most: int) -> None:
        """Let the oldest go where there are more than `most` kept questions."""
        for table, limit in (
            ("entries", most),
            ("wordings", most * _WORDINGS),
            ("observations", most * _WORDINGS),
        ):
            (count,) = self._one(f"SELECT COUNT(*) FROM {table}")
            if count > limit:
                self._run(
                    f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT ?)",
                    count - max(1, int(limit * _KEPT)),
                )
                self.lose()

    def count(self) -> int:
        """How many answers are kept."""
        return int(self._one("SELECT COUNT(*) FROM entries")[0])

    def _run(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self._database.execute(sql, values)

    def _one(self, sql: str, *values: object) -> tuple[Any, ...]:
        """The first row; an empty one where there is none."""
        found: tuple[Any, ...] | None = self._run(sql, *values).fetchone()
        return found or ()

    def _all(self, sql: str, *values: object) -> Iterator[tuple[Any, ...]]:
        return iter(self._run(sql, *values))
