"""Replies kept on disk, so that the same messages are not sent twice to the same model."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from rag.tracing import note
from rag.types import Message, Reply

_TABLE = (
    "CREATE TABLE IF NOT EXISTS replies "
    "(number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, reply TEXT NOT NULL)"
)
# Seconds to wait for another process that writes.
_BUSY = 2.0
# What is left of a cache that grew too large.
_KEPT = 0.9


class ReplyCache:
    """Replies in `folder`, by default the user's folder of caches. Processes may share one.

    It is one SQLite file, with the replies as JSON under a digest of what they answer, and
    without the messages. Above `max_bytes` the oldest go. A cache that cannot be read or
    written is noted in the trace and costs nothing else.
    """

    def __init__(self, folder: Path | None = None, *, max_bytes: int = 200_000_000) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    @property
    def path(self) -> Path:
        """The file."""
        if self._folder is not None:
            return self._folder / "replies.db"
        from platformdirs import user_cache_path

        return user_cache_path("ragline") / "chat" / "replies.db"

    def known(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        """The replies that are kept under `keys`."""
        found: dict[bytes, Reply] = {}
        with self._noting("read"):
            # In a folder that nobody may read even this fails.
            if self.path.is_file():
                with self._opened() as database:
                    found.update(_replies(database, keys))
        return found

    def keep(self, replies: Mapping[bytes, Reply]) -> None:
        """Keep `replies`, and let the oldest go where there are too many."""
        if not replies:
            return
        rows = [(key, _written(reply)) for key, reply in replies.items()]
        with self._noting("written"), self._opened() as database, database:
            database.executemany("INSERT OR REPLACE INTO replies (key, reply) VALUES (?, ?)", rows)
            _shrink(database, self._max_bytes)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        # What models say of somebody's documents is for nobody else.
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=_BUSY)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(_TABLE)
            yield database

    @contextmanager
    def _noting(self, done: str) -> Iterator[None]:
        try:
            yield
        except (
            OSError,
            sqlite3.Error,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
        ) as error:
            told = " ".join(str(error).split())
            note(f"replies cannot be {done}: the cache '{self.path}': {told}; remove the file")


def key_of(fingerprint: str, messages: Sequence[Message], *, choices: bool) -> bytes:
    """What the reply of a model is kept under."""
    record = [1, fingerprint, [[one.role, one.text] for one in messages], choices]
    return hashlib.sha256(json.dumps(record, ensure_ascii=True).encode()).digest()


def _replies(database: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, Reply]]:
    sql = "SELECT reply FROM replies WHERE key = ?"
    for key in dict.fromkeys(keys):
        row = database.execute(sql, (key,)).fetchone()
        if row is not None:
            yield key, _reply(row[0])


def _shrink(database: sqlite3.Connection, max_bytes: int) -> None:
    """Remove the oldest replies until what is used of the file fits."""
    while _used(database) > max_bytes:
        (count,) = database.execute("SELECT COUNT(*) FROM replies").fetchone()
        if not count:
            return
        database.execute(
            "DELETE FROM replies WHERE number IN "
            "(SELECT number FROM replies ORDER BY number LIMIT ?)",
            (count - int(count * _KEPT),),
        )


def _used(database: sqlite3.Connection) -> int:
    """Bytes of the pages in use: those of removed rows are filled again."""
    pragmas = ("page_count", "freelist_count", "page_size")
    pages, free, size = (database.execute(f"PRAGMA {one}").fetchone()[0] for one in pragmas)
    return int((pages - free) * size)


def _written(reply: Reply) -> str:
    return json.dumps({"text": reply.text, "choices": [dict(one) for one in reply.choices]})


def _reply(written: str) -> Reply:
    record = json.loads(written)
    choices = tuple(
        {str(token): float(value) for token, value in one.items()} for one in record["choices"]
    )
    return Reply(str(record["text"]), choices)
