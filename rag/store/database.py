"""The truth of an index: one SQLite file, how it is made and opened, and what its errors mean.

Writers change it in one transaction a commit; readers see the last committed state (WAL).
Passage rows are numbered and a number is never used twice, so that a derived index can never
mistake one passage for another.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from rag.errors import DiskFullError, IndexDamagedError, IndexMismatchError, StoreError

SCHEMA_VERSION = 4
_LEAST_SPACE = 65_536
# Pages kept in memory, in KiB: a writer touches random pages of the indexes on hashes and ids.
_READ_CACHE, _WRITE_CACHE = 32_000, 64_000
# The log is written into the database when it has so many bytes, and is cut back to them.
_LOG_BYTES = 64_000_000
_PAGE = 4_096
# Free pages that a writer leaves for the next one, as a share of all.
_MOST_FREE = 0.02
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
        if write:
            _prepare_writing(connection)
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
    connection.execute(f"PRAGMA cache_size = -{_READ_CACHE}")
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


def _prepare_writing(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA cache_size = -{_WRITE_CACHE}")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_BYTES // _PAGE}")
    # What is deleted is overwritten where that writes no page more.
    connection.execute("PRAGMA secure_delete = FAST")


def settle(connection: sqlite3.Connection) -> None:
    """Leave the file of a writer no larger than it needs to be, at a cost of what was written.

    Vectors pass through it, and free pages are what is left of them. Where somebody reads, the
    log stays until the next writer.
    """
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    # What was written is committed: where there is no room to tidy up, the next writer does it.
    with suppress(sqlite3.OperationalError):
        if free > _MOST_FREE * pages:
            # Each step gives back one page, and `execute` would make one step.
            connection.executescript("PRAGMA incremental_vacuum")
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def create(path: Path) -> None:
    """Make an empty database at `path`, where nothing is yet."""
    from sqlite_utils import Database

    database = Database(str(path))
    # Before there is any table: pages that are free can then be given back, some at a time.
    database.execute("PRAGMA auto_vacuum = INCREMENTAL")
    documents: dict[str, Any] = {
        "row": int, "id": str, "source": str, "title": str, "language": str, "version": str,
        "hash": bytes, "metadata": str, "blocks": bytes,
    }  # fmt: skip
    database.table("documents").create(documents, pk="row", not_null=set(documents))
    database.table("documents").create_index(["id"], unique=True)
    database.table("documents").create_index(["source"])
    # How many documents are in each language, so that nobody has to count.
    database.execute(
        "CREATE TABLE languages (language TEXT PRIMARY KEY, documents INTEGER NOT NULL) "
        "WITHOUT ROWID"
    )
    # Blocks of documents' texts: see `Texts`.
    database.execute("CREATE TABLE texts (place INTEGER PRIMARY KEY, text BLOB NOT NULL)")
    passage = (
        "document INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, "
        "page INTEGER, headings TEXT NOT NULL, place TEXT NOT NULL, "
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
    # Vectors that are not in the published generation, in the order in which they were made.
    database.execute(
        "CREATE TABLE vectors (row INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, "
        "vector BLOB NOT NULL)"
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
