"""One writer at a time: a file lock that the system frees when its process dies."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rag.errors import IndexBusyError


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the index in `folder` for writing. Raises IndexBusyError naming who holds it."""
    from filelock import FileLock, Timeout

    holder = folder / "writer.json"
    lock = FileLock(folder / "writer.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise IndexBusyError(_busy(folder, holder)) from None
    try:
        started = datetime.now().astimezone().strftime("%H:%M:%S")
        holder.write_text(json.dumps({"process": os.getpid(), "started": started}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _busy(folder: Path, holder: Path) -> str:
    try:
        record = json.loads(holder.read_text())
        who = f"process {record['process']}, since {record['started']}"
    except (OSError, ValueError, KeyError):
        who = "another process"
    return f"the index in '{folder}' is being written by {who}: wait for it to finish, or stop it"
