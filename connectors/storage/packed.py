"""The documents in an archive: `zip://handbook/a.md::docs.zip`."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from rag.connectors.globs import Glob
from rag.connectors.names import printable, source_name
from rag.connectors.reading import reason, too_large
from rag.connectors.storage.archive import Archive, Kind, Member, contents
from rag.connectors.storage.entry import Entry, state_of
from rag.connectors.storage.place import Place
from rag.connectors.storage.tarred import Tar
from rag.connectors.storage.zipped import Zip
from rag.errors import DocumentError, SourceError
from rag.types import Failure

# A name with backslashes is refused aloud; `..\\a.md` must not pass for a hidden one.
_SEPARATOR = re.compile(r"[/\\]")


class Container(Protocol):
    """The file that is an archive. `name` is how sources name it."""

    name: str

    def open(self) -> tuple[IO[bytes], str]:
        """The file, seekable, and its state. Raises SourceError or DocumentError."""
        ...


class LocalFile:
    """An archive on disk. Raises SourceError where there is none."""

    def __init__(self, path: Path, base: Path | None) -> None:
        self.name = source_name(path, base)
        self._path = path
        if not path.exists():
            raise SourceError(f"no such archive: '{self.name}'; check the spelling")

    def open(self) -> tuple[IO[bytes], str]:
        """The file and its state. Raises DocumentError."""
        try:
            # Without O_NONBLOCK, opening a pipe would wait for ever.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise DocumentError(reason(error)) from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise DocumentError("is not a regular file; name an archive")
        state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        return os.fdopen(descriptor, "rb"), "-".join(map(str, state))


class RemoteFile:
    """An archive behind a URL, of which only the parts that are read are fetched."""

    def __init__(self, place: Place) -> None:
        self.name = place.name
        self._place = place

    def open(self) -> tuple[IO[bytes], str]:
        """The file and its state. Raises SourceError."""
        system, path = self._place.open()
        try:
            state = state_of(system.info(path))
            return system.open(path, "rb"), state
        except Exception as error:  # each file system's library has its own
            told = self._place.told(error)
            raise SourceError(f"cannot open {self._place.name}: {told}") from error


class Packed:
    """Lists the members of an archive whose names match `inner`: a name, a glob, or "" for all.

    A member's state is its checksum in a zip archive; in a tar archive, which has none, it is
    its size and time and the state of the whole archive.
    """

    def __init__(
        self, container: Container, kind: Kind, inner: str, max_bytes: int, max_unpacked: int
    ) -> None:
        self.skipped: Counter[str] = Counter()
        self._container = container
        self._kind = kind
        self._glob = Glob(inner) if inner else None
        self._max_bytes = max_bytes
        self._max_unpacked = max_unpacked
        self._complete = True

    def entries(self) -> Iterator[Entry | Failure]:
        """Every member, sorted by the parts of its path. Raises SourceError."""
        self.skipped.clear()
        self._complete = False
        try:
            archive = self._open()
            members = contents(archive, self.skipped)
        except DocumentError as error:
            yield Failure(self._container.name, str(error))
            return
        self._complete = True
        for member in members:
            if not _hidden(member.name) and (not self._glob or self._glob.matches(member.name)):
                yield self._entry(archive, member)

    def covers(self, source: str) -> bool:
        """Whether `source` would be a member of the archive, which could be read to its end."""
        scheme, _, rest = source.partition("://")
        inside, mark, container = rest.partition("::")
        if not (self._complete and scheme == self._kind and mark):
            return False
        return container == self._container.name and (
            self._glob is None or self._glob.matches(inside)
        )

    def _open(self) -> Archive:
        file, state = self._container.open()
        if self._kind == "zip":
            return Zip(file, self._max_unpacked, self.skipped)
        return Tar(file, self._max_unpacked, self.skipped, state)

    def _entry(self, archive: Archive, member: Member) -> Entry | Failure:
        source = f"{self._kind}://{printable(member.name)}::{self._container.name}"
        if member.error:
            return Failure(source, member.error)
        if member.size > self._max_bytes:
            return Failure(source, too_large(member.size, self._max_bytes))
        read = partial(archive.read, member, self._max_bytes)
        given = self._glob is not None and self._glob.pattern == member.name
        return Entry(source, member.name, member.size, member.state, read, given)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") and part not in {".", ".."} for part in _SEPARATOR.split(name))
