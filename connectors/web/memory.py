"""What a crawl found on each page, kept from one run to the next.

An index remembers one version of each document, and a page that answers "not modified" (304)
sends no links to go on with. So the links are kept here, with the version of the page that
they stand on. Whoever asks compares that version with the index's own: where the two differ,
or the file is gone, the page is fetched whole. Losing the file costs requests and nothing
else; it can never change what is indexed.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rag.connectors.web.links import Links

_TABLE = "CREATE TABLE IF NOT EXISTS pages (url TEXT PRIMARY KEY, version TEXT, links BLOB)"
_FILE = "web.db"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A page as it was: its version, and where it led."""

    version: str
    links: Links


class Memory:
    """Pages by address, in a file in `folder` or, without one, in this object alone.

    The file is open between `open` and `close`.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / _FILE
        self._database: sqlite3.Connection | None = None
        self._held: dict[str, tuple[str, bytes]] = {}

    def open(self) -> None:
        """Open the file; one that is damaged is begun anew."""
        if self._path is None or self._database is not None:
            return
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(sqlite3.Error):
            self._database = _connect(self._path)
            return
        with suppress(OSError, sqlite3.Error):
            self._path.unlink(missing_ok=True)
            self._database = _connect(self._path)

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def get(self, url: str) -> Remembered | None:
        """What is remembered of `url`."""
        found = self._row(url)
        if found is None:
            return None
        try:
            canonical, *targets = json.loads(zlib.decompress(found[1]))
        except (zlib.error, ValueError):
            return None
        return Remembered(found[0], Links(canonical, tuple(targets)))

    def put(self, url: str, version: str, links: Links) -> None:
        """Remember `url` as of `version`."""
        packed = zlib.compress(json.dumps([links.canonical, *links.targets]).encode())
        if self._database is None:
            self._held[url] = (version, packed)
            return
        # A cache that cannot be written (disk full, read-only) is no reason to stop.
        with suppress(sqlite3.Error), self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO pages VALUES (?, ?, ?)", [url, version, packed]
            )

    def _row(self, url: str) -> tuple[str, bytes] | None:
        if self._database is None:
            return self._held.get(url)
        query = "SELECT version, links FROM pages WHERE url = ?"
        with suppress(sqlite3.Error):
            row: tuple[str, bytes] | None = self._database.execute(query, [url]).fetchone()
            return row
        return None


def _connect(path: Path) -> sqlite3.Connection:
    # Listing may go on in another thread than it began in, never in two at once.
    database = sqlite3.connect(path, timeout=5, check_same_thread=False)
    try:
        database.execute("PRAGMA synchronous = OFF")
        database.execute(_TABLE)
    except sqlite3.Error:
        database.close()
        raise
    return database
