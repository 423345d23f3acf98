"""Decompressing a file into a temporary one, within limits."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tempfile
from collections.abc import Iterator
from typing import IO

from rag.connectors.storage.archive import bomb
from rag.errors import DocumentError

_CHUNK = 1 << 20
_XZ_MEMORY = 256 << 20  # `xz -9` takes 65 MiB to unpack
_XZ = b"\xfd7zXZ\0"


def unpacked(file: IO[bytes], limit: int) -> IO[bytes]:
    """The bytes of `file`, decompressed: `file` itself where it is neither gzip, bzip2 nor xz.

    What is decompressed lies in a temporary file without a name. Raises DocumentError where it
    grows beyond `limit` bytes or out of proportion, or is damaged.
    """
    start = file.read(len(_XZ))
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    chunks = _chunks(file, start)
    if chunks is None:
        return file
    plain = tempfile.TemporaryFile()  # noqa: SIM115 - it outlives this function
    try:
        total = 0
        for chunk in chunks:
            total += len(chunk)
            if wrong := bomb(total, size, limit):
                raise DocumentError(wrong)
            plain.write(chunk)
        plain.seek(0)
    except DocumentError:
        plain.close()
        raise
    except Exception as error:
        plain.close()
        raise DocumentError(f"cannot be unpacked: {error}") from error
    return plain


def _chunks(file: IO[bytes], start: bytes) -> Iterator[bytes] | None:
    if start.startswith(b"\x1f\x8b"):
        return _read(gzip.GzipFile(fileobj=file))
    if start.startswith(b"BZh"):
        return _read(bz2.BZ2File(file))
    return _unxz(file) if start == _XZ else None


def _read(file: gzip.GzipFile | bz2.BZ2File) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _unxz(file: IO[bytes]) -> Iterator[bytes]:
    """What lzma's own file would give, but with a limit on the memory that a header asks for."""
    pending = file.read(_CHUNK)
    while pending:
        decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        while not decoder.eof:
            yield decoder.decompress(pending, _CHUNK)
            pending = b""
            if decoder.needs_input and not decoder.eof:
                pending = file.read(_CHUNK)
                if not pending:
                    raise EOFError("it ends early")
        pending = (decoder.unused_data or file.read(_CHUNK)).lstrip(b"\0")
