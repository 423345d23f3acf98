"""Checksums of large files, remembered for as long as a file is not touched."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path


def checksum(path: Path) -> str:
    """SHA-256 of a file, which is read only where it is not the one that was read last time.

    What was found is kept in the user's folder of caches, by path, size, time of change and
    inode; where nothing can be kept there, the file is read each time.
    """
    note = _note(path)
    now = state(path)
    with suppress(OSError, ValueError, TypeError, KeyError):
        known = json.loads(note.read_bytes())
        if known["state"] == now:
            return str(known["sha256"])
    found = sha256(path)
    with suppress(OSError):
        _keep(note, {"path": str(path.absolute()), "state": now, "sha256": found})
    return found


def sha256(path: Path) -> str:
    """The SHA-256 of what a file holds now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settings(folder: Path) -> list[tuple[str, str]]:
    """The setting files of the model in `folder`, in order, each with its SHA-256."""
    return [
        (path.relative_to(folder).as_posix(), sha256(path))
        for path in sorted(folder.rglob("*.json"))
    ]


def state(path: Path) -> list[int]:
    """What changes when a file is written or replaced: size, time in nanoseconds, inode."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def _note(path: Path) -> Path:
    from platformdirs import user_cache_path

    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]
    return user_cache_path("ragline") / "checksums" / f"{name}.json"


def _keep(note: Path, found: dict[str, object]) -> None:
    note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=note.parent, delete=False, encoding="utf-8") as file:
        json.dump(found, file)
    Path(file.name).replace(note)
