"""The truth of an index: one SQLite file, how it is made and opened, and what its errors mean.

Writers change it in one transaction a commit; readers see the last committed state (WAL).
Passage rows are numbered and a number is never used twice, so that a derived index can never
mistake one passage for another.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

from rag.errors import DiskFullError, IndexDamagedError, IndexMismatchError, StoreError

SCHEMA_VERSION = 3
_LEAST_SPACE = 65_536
# What SQLite says of a file that it did not write, or not so.
_DAMAGE = ("malformed", "not a database", "disk image", "no such table", "no such column", "decode")


def connect(path: Path, *, write: bool = False) -> sqlite3.Connection:
    """Open the database of an index. Transactions are begun and ended by the caller."""
    mode = "rw" if write else "ro"
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=30,
        )
    except sqlite3.Error as error:
        raise explained(error, path) from error
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise explained(error, path) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # A commit names a generation, and an older one is then deleted: it has to last.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -32000")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise IndexMismatchError(
            f"the index in '{path.parent}' was written by a newer ragline (format {version}, "
            f"this one reads up to {SCHEMA_VERSION}): upgrade ragline, or index into another folder"
        )
    if 0 < version < SCHEMA_VERSION:
        raise IndexMismatchError(
            f"the index in '{path.parent}' was written by an older ragline (format {version}, "
            f"this one reads {SCHEMA_VERSION}): remove that folder and index again"
        )
    if version < 1:
        raise IndexDamagedError(_damaged(path, "it is not an index of ragline"))


def create(path: Path) -> None:
    """Make an empty database at `path`, where nothing is yet."""
    from sqlite_utils import Database

    database = Database(str(path))
    documents: dict[str, Any] = {
        "row": int, "id": str, "source": str, "title": str, "language": str, "version": str,
        "hash": str, "metadata": str, "text": bytes, "blocks": bytes,
    }  # fmt: skip
    database.table("documents").create(documents, pk="row", not_null=set(documents))
    database.table("documents").create_index(["id"], unique=True)
    database.table("documents").create_index(["source"])
    passage = (
        "document INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, "
        "text TEXT NOT NULL, page INTEGER, headings TEXT NOT NULL, place TEXT NOT NULL, "
        "context TEXT NOT NULL, hash BLOB NOT NULL"
    )
    # AUTOINCREMENT is what keeps numbers from being used again.
    database.execute(f"CREATE TABLE passages (row INTEGER PRIMARY KEY AUTOINCREMENT, {passage})")
    database.execute(
        f"CREATE TABLE pruned (row INTEGER PRIMARY KEY, {passage}, score REAL NOT NULL, "
        "reason TEXT NOT NULL)"
    )
    for table in ("passages", "pruned"):
        database.table(table).create_index(["document"])
        database.table(table).create_index(["hash"])
    database.execute(
        "CREATE TABLE qualities (model TEXT NOT NULL, hash BLOB NOT NULL, score REAL NOT NULL, "
        "PRIMARY KEY (model, hash)) WITHOUT ROWID"
    )
    staged: dict[str, Any] = {"id": str, "source": str, "version": str, "record": bytes}
    database.table("staged").create(staged, pk="id", not_null=set(staged))
    database.execute(
        "CREATE TABLE vectors (hash BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
    )
    database.table("failures").create({"source": str, "error": str, "since": str}, pk="source")
    runs = {"started": str, "seconds": float, "report": str}
    database.table("runs").create({"id": int, **runs}, pk="id")
    database.table("meta").create({"key": str, "value": str}, pk="key")
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    database.enable_wal()
    database.close()


def explained(error: sqlite3.Error, path: Path) -> StoreError:
    """What an error of SQLite means for the index, and what to do."""
    text = str(error)
    # SQLite needs some room for its shared memory even to read.
    starved = "I/O" in text and shutil.disk_usage(path.parent).free < _LEAST_SPACE
    if starved or "full" in text:
        return disk_full(path.parent)
    if any(sign in text for sign in _DAMAGE):
        return IndexDamagedError(_damaged(path, text))
    if "unable to open" in text:
        return StoreError(f"'{path}' cannot be opened: give yourself leave to read it")
    return StoreError(f"'{path}' cannot be used: {text}")


def disk_full(folder: Path) -> DiskFullError:
    """What to say when there is no space for the index in `folder`."""
    return DiskFullError(
        f"no space left for the index in '{folder}'; it is as it was: free some space and run again"
    )


def _damaged(path: Path, reason: str) -> str:
    return (
        f"'{path}' is damaged ({reason}): restore it from a backup, or remove "
        f"'{path.parent}' and index again"
    )
