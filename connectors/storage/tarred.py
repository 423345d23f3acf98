"""Tar archives, plain or compressed."""

from __future__ import annotations

import tarfile
import threading
import weakref
from collections import Counter
from collections.abc import Iterator
from typing import IO, cast

from rag.connectors.storage.archive import Member, misnamed, read_member
from rag.connectors.storage.unpacking import unpacked
from rag.errors import DocumentError

_LARGEST_READ = 16_000_000


class Tar:
    """A tar archive in a seekable file, which it closes when it is no longer used.

    Members of a compressed archive cannot be reached singly, so that it is unpacked into one
    nameless temporary file. `version` is that of the archive: tar keeps no checksums.
    Raises DocumentError where the file is damaged or unpacks to more than `max_unpacked` bytes.
    """

    def __init__(
        self, file: IO[bytes], max_unpacked: int, skipped: Counter[str], version: str
    ) -> None:
        weakref.finalize(self, file.close)
        plain = unpacked(file, max_unpacked)
        weakref.finalize(self, plain.close)
        self._skipped = skipped
        self._version = version
        self._lock = threading.Lock()
        self._infos: list[tarfile.TarInfo] = []
        self._file = plain
        try:
            self._tar = tarfile.TarFile(fileobj=cast("IO[bytes]", _Wary(plain)), errorlevel=1)
        except Exception as error:
            raise DocumentError(f"is no tar archive, or a damaged one: {error}") from error

    def members(self) -> Iterator[Member]:
        """Its files; links and devices are counted and never followed."""
        self._infos = []
        for info in self._scan():
            if info.issym() or info.islnk():
                self._skipped["link"] += 1
            elif info.isreg() and not info.issparse():
                name = info.name.removeprefix("./")
                state = f"{info.size}-{info.mtime}-{self._version}"
                self._infos.append(info)
                yield Member(name, len(self._infos) - 1, info.size, state, misnamed(name))
            elif not info.isdir():
                self._skipped["special"] += 1

    def read(self, member: Member, max_bytes: int) -> bytes:
        """The bytes of a member. Raises DocumentError."""
        try:
            with self._lock, cast("IO[bytes]", self._tar.extractfile(self._at(member))) as file:
                return read_member(file, max_bytes)
        except DocumentError:
            raise
        except Exception as error:  # of tarfile and of the storage beneath
            raise DocumentError(f"is damaged in its archive: {error}") from error

    def _at(self, member: Member) -> tarfile.TarInfo:
        return self._infos[member.number]

    def _check_end(self) -> None:
        """Tarfile takes the first header that it cannot read for the end of the archive."""
        self._file.seek(self._tar.offset)
        if self._file.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
            raise DocumentError("is a tar archive that is cut off or damaged; pack it again")

    def _scan(self) -> Iterator[tarfile.TarInfo]:
        last = -1
        try:
            for info in self._tar:
                # A negative size would lead back to the same header for ever.
                if info.offset <= last or info.size < 0:
                    raise DocumentError("is a damaged tar archive: its members lead backwards")
                last = info.offset
                yield info
            self._check_end()
        except DocumentError:
            raise
        except Exception as error:
            raise DocumentError(f"is a damaged tar archive: {error}") from error


class _Wary:
    """A file that refuses reads of a size that no header has: tarfile reads those whole."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell
        self.name = ""
        self.mode = "rb"

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes. Raises DocumentError."""
        if not 0 <= size <= _LARGEST_READ:
            raise DocumentError("is a damaged tar archive: it has a header of impossible size")
        return self._file.read(size)
