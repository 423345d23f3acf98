"""Documents kept in a zip archive, opened from bytes under limits; nothing is put on disk.

What an archive declares is not believed: every byte that comes out of it is counted. No limit
is met by a document that people write, and whoever meets one is told.
"""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from rag.connectors.formats.signature import looks_like, old_office
from rag.errors import DocumentError

MOST_MEMBERS = 20_000
LARGEST_MEMBER = 256_000_000  # bytes, expanded
LARGEST_TOTAL = 512_000_000  # bytes, expanded, of all that is read
MOST_TIMES = 200  # as large as the file
MOST_TAGS = 4_000_000  # and attributes of XML, held in memory at a time
ALWAYS_ALLOWED = 16_000_000  # bytes, expanded, however small the file

_DIRECTORY_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1
_PACKED_AS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_STEP = 1 << 16
# XML in documents has no use for entities of its own: those that declare some expand to
# gigabytes or name files. What is written in two or four bytes for each character is met, too.
_ENTITY = b"<!ENTITY"
_FAULTS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    IndexError,
)


class Container:
    """A zip archive held in memory. `kind` is the format's name, for messages.

    Names of members are compared without case, as Office does. Raises DocumentError where the
    data is no archive, is encrypted, damaged, or more than the limits allow.
    """

    def __init__(self, data: bytes, kind: str) -> None:
        _require_archive(data, kind)
        if data.count(_DIRECTORY_ENTRY) > MOST_MEMBERS:
            raise DocumentError(f"is an archive of more than {MOST_MEMBERS:,} members; split it")
        with _faults(""):
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        self._allowed = min(LARGEST_TOTAL, max(ALWAYS_ALLOWED, MOST_TIMES * len(data)))
        self._expanded = 0
        self._members = {_key(one.filename): one for one in self._archive.infolist()}

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._members

    def read(self, name: str, limit: int = LARGEST_MEMBER) -> bytes:
        """A member, whole."""
        return b"".join(self.pieces(name, limit))

    def pieces(self, name: str, limit: int = LARGEST_MEMBER) -> Iterator[bytes]:
        """A member, piece by piece. Raises DocumentError where it is absent or too large."""
        member = self._member(name)
        size = 0
        with _faults(name), self._archive.open(member) as opened:
            while piece := opened.read(_STEP):
                size += len(piece)
                self._expanded += len(piece)
                if size > limit or self._expanded > self._allowed:
                    raise DocumentError(_too_large(name, min(limit, self._allowed)))
                yield piece

    def xml(self, name: str, limit: int = LARGEST_MEMBER) -> XmlSource:
        """A member to parse as XML, free of entities."""
        return XmlSource(self.pieces(name, limit), name)

    def _member(self, name: str) -> zipfile.ZipInfo:
        member = self._members.get(_key(name))
        if member is None:
            raise DocumentError(f"is damaged: {name} is missing; fetch or export it again")
        if member.flag_bits & _ENCRYPTED:
            raise DocumentError("is encrypted; remove the password and index it again")
        if member.compress_type not in _PACKED_AS:
            raise DocumentError(f"is packed in a way that is not read ({name}); save it again")
        return member


class XmlSource:
    """The bytes of an XML member as a parser reads them; refuses those that declare entities.

    A parser keeps some hundred bytes for each tag and attribute, however short. `held` counts
    those that it has not been told to forget.
    """

    def __init__(self, pieces: Iterator[bytes], name: str) -> None:
        # Not `name`: a parser takes that for the path of a file.
        self._part = name
        self._pieces = pieces
        self._tail = b""
        self.held = 0

    def read(self, _size: int = -1) -> bytes:
        """The next piece, b"" at the end; parsers take pieces of any size."""
        piece = next(self._pieces, b"")
        seen = self._tail + piece.replace(b"\0", b"")
        if _ENTITY in seen:
            raise DocumentError(f"declares XML entities ({self._part}), which are not read")
        self.held += piece.count(b"<") + piece.count(b"=")
        if self.held > MOST_TAGS:
            raise DocumentError(f"holds more tags than can be kept in memory ({self._part})")
        self._tail = seen[1 - len(_ENTITY) :]
        return piece


def _require_archive(data: bytes, kind: str) -> None:
    if not data.strip():
        raise DocumentError("is empty")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return
    if old := old_office(data):
        raise DocumentError(f"is {old}")
    found = looks_like(data)
    hint = f": it looks like {found}" if found else ""
    raise DocumentError(f"is not {kind} although its name says so{hint}")


def _key(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/")).lstrip("/").lower()


def _too_large(name: str, limit: int) -> str:
    return f"expands to more than {limit:,} bytes ({name}), as no such document does"


@contextmanager
def _faults(name: str) -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        where = f"{name}: " if name else ""
        told = " ".join(str(error).split()) or type(error).__name__
        raise DocumentError(f"is damaged: {where}{told}; fetch or export it again") from error
