"""The body of a response: bounded while it comes in, and kept on disk until it is read."""

from __future__ import annotations

import shutil
import tempfile
import weakref
import zlib
from collections.abc import Iterable
from pathlib import Path

from rag.connectors.web.failing import FetchError
from rag.errors import DocumentError

_GZIP_OR_ZLIB = 47


def read_body(chunks: Iterable[bytes], encoding: str, max_bytes: int) -> bytes:
    """The content of a body, at most `max_bytes` as sent and when expanded. Raises FetchError."""
    coding = encoding.strip().lower()
    if coding in {"", "identity"}:
        return _bounded(chunks, max_bytes)
    if coding in {"gzip", "x-gzip", "deflate"}:
        return _bounded(_expanded(chunks, max_bytes), max_bytes)
    raise FetchError(f"is compressed as '{coding}', which was not asked for")


def gunzip(data: bytes, max_bytes: int) -> bytes:
    """The content of a gzip file of at most `max_bytes`. Raises FetchError."""
    return read_body([data], "gzip", max_bytes)


def _bounded(chunks: Iterable[bytes], max_bytes: int) -> bytes:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > max_bytes:
            raise FetchError(f"has more than max_bytes = {max_bytes:,} bytes; raise it")
    return bytes(data)


def _expanded(chunks: Iterable[bytes], max_bytes: int) -> Iterable[bytes]:
    """Pieces of what `chunks` expand to; none is larger than the limit and a byte."""
    machine = zlib.decompressobj(_GZIP_OR_ZLIB)
    begun = False
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if machine.eof:  # a gzip file may have several members, and padding
                    if not rest.startswith(b"\x1f"):
                        return
                    machine = zlib.decompressobj(_GZIP_OR_ZLIB)
                begun = True
                yield machine.decompress(rest, max_bytes + 1)
                rest = machine.unconsumed_tail or machine.unused_data
    except zlib.error:
        raise FetchError("is damaged: it says that it is compressed and is not") from None
    if begun and not machine.eof:
        raise FetchError("ends too early: its compressed content is cut off")


class Spool:
    """A folder for bodies that wait to be read; it goes when nothing refers to it any more."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ragline-web-"))
        self._count = 0
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def keep(self, data: bytes) -> Body:
        """Write `data` to disk. Raises FetchError where it cannot be written."""
        self._count += 1
        path = self._folder / str(self._count)
        try:
            path.write_bytes(data)
        except OSError as error:
            raise FetchError(f"cannot be kept on disk: {error.strerror}; make room") from error
        return Body(path, self)


class Body:
    """A body on disk: listing a site holds none in memory, however late it is loaded."""

    def __init__(self, path: Path, spool: Spool) -> None:
        self._path = path
        self._spool = spool  # keeps the folder
        weakref.finalize(self, path.unlink, missing_ok=True)

    def read(self) -> bytes:
        """The bytes. Raises DocumentError where somebody removed them."""
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise DocumentError(f"cannot be read back: {error.strerror}; run again") from error
