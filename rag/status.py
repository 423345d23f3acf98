"""What an index holds, read from its database alone: no engine, no model is loaded."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rag.errors import NoIndexError, RequestError
from rag.store.database import connect, explained
from rag.store.folders import INDEX_FOLDER, find_index
from rag.store.rows import Rows

_LAST_RUNS = 5


def index_folder(folder: str | Path | None) -> Path:
    """The folder of the index that `folder` means; the nearest one upward where it is None.

    There need not be an index yet. Raises RequestError where it cannot be a folder.
    """
    if folder is None:
        return find_index(Path.cwd()) or Path.cwd() / INDEX_FOLDER
    place = Path(folder)
    if place.name != INDEX_FOLDER and (place / INDEX_FOLDER / "index.db").is_file():
        return place / INDEX_FOLDER
    if place.exists() and not place.is_dir():
        raise RequestError(f"'{place}' is a file, not the folder of an index")
    return place


def index_status(folder: Path) -> dict[str, Any]:
    """Counts, languages, bytes on disk, pipeline, encoder, failures and the last five runs.

    Raises NoIndexError, IndexMismatchError for a newer format, and StoreError.
    """
    database = folder / "index.db"
    if not database.is_file():
        raise NoIndexError(f"no index in '{folder}': run 'rag index FOLDER' first")
    connection = connect(database)
    try:
        return _status(folder, Rows(connection))
    except sqlite3.Error as error:
        raise explained(error, database) from error
    finally:
        connection.close()


def _status(folder: Path, rows: Rows) -> dict[str, Any]:
    rows.connection.execute("BEGIN")  # one state, whatever is written meanwhile
    return {
        "folder": str(folder),
        "pipeline": (rows.meta("recipe") or {}).get("name"),
        "encoder": (rows.meta("pipeline") or {}).get("encode"),
        "precision": rows.meta("precision", []),
        **rows.counts(),
        "languages": rows.languages(),
        "generation": rows.meta("generation"),
        "searched": _searched(folder, rows.meta("generation")),
        **_answers(folder, rows),
        "bytes": _size(folder),
        "failed": [asdict(unread) for unread in rows.unread()],
        "runs": rows.runs(_LAST_RUNS),
    }


def _searched(folder: Path, generation: int) -> dict[str, int]:
    """How many vectors are searched by each kind of dense index; those deleted count too."""
    path = folder / "generations" / f"{generation:08d}" / "dense" / "segments.json"
    found: Counter[str] = Counter()
    try:
        for _, use, size in json.loads(path.read_text()):
            found[use] += size
    except (OSError, ValueError, TypeError):
        # There are no vectors, or they are damaged, which is for `rag verify` to tell.
        return {}
    return dict(found)


def _answers(folder: Path, rows: Rows) -> dict[str, int | None]:
    """How many answers are kept, where a cache kept any; None where that cannot be read."""
    from rag.semantic_cache.file import AnswerFile
    from rag.semantic_cache.scope import scope

    file = AnswerFile(folder)
    if not file.path.is_file():
        return {}
    try:
        with file.reading(scope(folder, rows.connection)) as kept:
            return {"answers": 0 if kept is None else kept.count()}
    except (OSError, sqlite3.Error, ValueError):
        return {"answers": None}


def _size(folder: Path) -> int:
    """Bytes on disk; a file with two names counts once."""
    inodes = {}
    for path in folder.rglob("*"):
        if path.is_file():
            status = path.stat()
            inodes[status.st_ino] = status.st_size
    return sum(inodes.values())
