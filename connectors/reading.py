"""Reading a file whole, and once: what comes back is one state of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from rag.errors import DocumentError

_CHUNK = 1 << 20
_REASONS: dict[type[OSError], str] = {
    FileNotFoundError: "was removed while being indexed; run again",
    NotADirectoryError: "was removed while being indexed; run again",
    PermissionError: "cannot be read: permission denied; give yourself leave to read it",
    IsADirectoryError: "is a folder now; run again",
}


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file of at most `max_bytes`. Raises DocumentError.

    A file that changes underneath is read a second time; one that goes on changing is an error.
    """
    try:
        data = _read(path, max_bytes)
        if data is None:
            data = _read(path, max_bytes)
    except OSError as error:
        raise DocumentError(reason(error)) from error
    if data is None:
        raise DocumentError("changed while being read; run again")
    return data


def reason(error: OSError) -> str:
    """One line that says why a file or folder cannot be read, and what to do."""
    return _REASONS.get(type(error), f"cannot be read: {error.strerror or error}")


def too_large(size: int, max_bytes: int) -> str:
    """One line about a file over the limit."""
    return f"has {size:,} bytes, more than max_bytes = {max_bytes:,}; raise it or split the file"


def _read(path: Path, max_bytes: int) -> bytes | None:
    """The file's bytes, or None where it changed meanwhile."""
    # Without O_NONBLOCK, opening what has just become a pipe would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise DocumentError("is not a regular file any more; run again")
        data = bytearray()
        while chunk := file.read(_CHUNK):
            data += chunk
            if len(data) > max_bytes:
                raise DocumentError(too_large(len(data), max_bytes))
        after = os.fstat(descriptor)
    same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    return bytes(data) if same and len(data) == after.st_size else None
