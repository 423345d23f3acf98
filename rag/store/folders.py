"""Folders on disk: found upward, linked, made durable."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

INDEX_FOLDER = ".rag"
# In the folder of an index: what connectors keep to list their sources faster.
SOURCES_FOLDER = "sources"


def find_index(start: Path) -> Path | None:
    """The nearest `.rag` in `start` or a folder above it, as git finds `.git`."""
    for folder in (start, *start.parents):
        if (folder / INDEX_FOLDER / "index.db").is_file():
            return folder / INDEX_FOLDER
    return None


def link_tree(old: Path, new: Path) -> None:
    """Make `new` with the files of the flat folder `old`, sharing their bytes where possible."""
    new.mkdir()
    for entry in os.scandir(old):
        linked(entry.path, new / entry.name)


def linked(old: str | Path, new: str | Path) -> None:
    """Give the file `old` a second name; its bytes are copied where that cannot be."""
    try:
        os.link(old, new)
    except OSError:  # a file system without hard links
        shutil.copy2(old, new)


def make_durable(folder: Path) -> None:
    """Flush every file below `folder`, and the folders themselves, to the disk."""
    for path, _, names in os.walk(folder):
        for name in (*names, "."):
            _fsync(Path(path) / name)


def publish(draft: Path, final: Path) -> None:
    """Rename a finished folder into place, atomically and durably."""
    draft.rename(final)
    _fsync(final.parent)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
