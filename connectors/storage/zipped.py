"""Zip archives, read in place."""

from __future__ import annotations

import stat
import weakref
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import IO

from rag.connectors.storage.archive import Member, bomb, misnamed, read_member
from rag.errors import DocumentError

_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Zip:
    """A zip archive in a seekable file, which it closes when it is no longer used.

    Raises DocumentError where the file is no zip archive, is damaged, has members that share
    bytes, or unpacks to more than `max_unpacked` bytes.
    """

    def __init__(self, file: IO[bytes], max_unpacked: int, skipped: Counter[str]) -> None:
        weakref.finalize(self, file.close)
        self._skipped = skipped
        try:
            self._zip = zipfile.ZipFile(file)
        except Exception as error:
            raise DocumentError(f"is no zip archive, or a damaged one: {error}") from error
        self._infos = self._zip.infolist()
        packed = sum(info.compress_size for info in self._infos)
        total = sum(info.file_size for info in self._infos)
        if wrong := bomb(total, packed, max_unpacked) or _overlap(self._infos):
            raise DocumentError(wrong)

    def members(self) -> Iterator[Member]:
        """Its files; links are counted and never followed."""
        for number, info in enumerate(self._infos):
            mode = info.external_attr >> 16
            if stat.S_ISLNK(mode):
                self._skipped["link"] += 1
            elif not info.is_dir():
                state = f"{info.CRC:08x}-{info.file_size}-{'.'.join(map(str, info.date_time))}"
                yield Member(info.filename, number, info.file_size, state, _wrong(info))

    def read(self, member: Member, max_bytes: int) -> bytes:
        """The bytes of a member, its checksum verified. Raises DocumentError."""
        try:
            with self._zip.open(self._infos[member.number]) as file:
                return read_member(file, max_bytes)
        except DocumentError:
            raise
        except Exception as error:  # of zipfile, of zlib and of the storage beneath
            raise DocumentError(f"is damaged in its archive: {error}") from error


def _wrong(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted; unpack the archive with its password and index the files"
    if info.compress_type not in _METHODS:
        return "is compressed in a rare way; pack the archive again with deflate"
    return misnamed(info.filename) or bomb(info.file_size, info.compress_size, info.file_size)


def _overlap(infos: list[zipfile.ZipInfo]) -> str:
    """Members that share bytes let a small file unpack to terabytes (Fifield, 2019)."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            return "has members that share bytes, as archive bombs do; it is not read"
        end = info.header_offset + info.compress_size
    return ""
