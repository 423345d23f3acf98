"""Messages that are files of their own: in a Maildir, or in a folder as .eml files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.connectors.mailboxes.letter import (
    HEAD,
    BadLetter,
    Letter,
    body_hash,
    digest,
    head_of,
    message_id,
)
from rag.connectors.names import printable
from rag.connectors.reading import read_bytes, reason
from rag.errors import DocumentError

_FLAGS = ":"  # parts the name of a message in a Maildir from what is noted of it
_PARTS = ("cur", "new")


def is_maildir(folder: Path) -> bool:
    """Whether a folder has those of a Maildir."""
    return all((folder / part).is_dir() for part in _PARTS)


def maildir(folder: Path, longest: int) -> Iterator[Letter | BadLetter]:
    """The messages of a Maildir, without those of its subfolders. Raises OSError."""
    found = {_unique(path): path for part in _PARTS for path in _regular(folder / part)}
    for name in sorted(found, key=os.fsencode):
        # Flags and the folder change when a message is looked at; its content does not.
        yield _File(found[name], name, longest, folder).letter()


def eml_folder(folder: Path, longest: int) -> Iterator[Letter | BadLetter]:
    """The .eml files right in a folder. Raises OSError."""
    for path in sorted(_regular(folder), key=os.fsencode):
        if path.suffix.lower() == ".eml":
            yield _File(path, path.name, longest).letter()


def eml_file(path: Path, longest: int) -> Iterator[Letter | BadLetter]:
    """The one message of a file."""
    yield _File(path, path.name, longest).letter()


@dataclass(frozen=True, slots=True)
class _File:
    """A message's file; in a Maildir it may be moved and flagged while it is read."""

    path: Path
    name: str
    longest: int
    maildir: Path | None = None

    def letter(self) -> Letter | BadLetter:
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                head = head_of(file.read(HEAD))
            identity = message_id(head) or digest(read_bytes(self.path, self.longest)).hex()
        except OSError as error:
            return BadLetter(printable(self.name), reason(error))
        except DocumentError as error:
            return BadLetter(printable(self.name), str(error))
        state = f"{status.st_size}-{status.st_mtime_ns}-{printable(self.name)}"
        return Letter(identity, state, status.st_size, self.read, self.body)

    def read(self) -> bytes:
        path = self.path
        if self.maildir is not None and not path.exists():
            path = _moved(self.maildir, self.name) or path
        return read_bytes(path, self.longest)

    def body(self) -> bytes:
        return body_hash(self.read())


def _regular(folder: Path) -> list[Path]:
    """The files right in a folder that are neither hidden nor links."""
    with os.scandir(folder) as entries:
        return [
            Path(entry.path)
            for entry in entries
            if not entry.name.startswith(".")
            and stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
        ]


def _unique(path: Path) -> str:
    return path.name.partition(_FLAGS)[0]


def _moved(folder: Path, name: str) -> Path | None:
    """Where a message of a Maildir is by now."""
    try:
        files = (path for part in _PARTS for path in _regular(folder / part))
        return next((path for path in files if _unique(path) == name), None)
    except OSError:
        return None
