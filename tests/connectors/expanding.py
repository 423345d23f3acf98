"""Compressed data that expands a thousand times, made without the time that it would take."""

from __future__ import annotations

import zlib
from functools import cache

_MB = 2**20


def repeated(unit: bytes) -> bytes:
    """As many of `unit` as fill one MB."""
    return unit * (_MB // len(unit))


@cache
def expanding(times: int, unit: bytes = b" ") -> tuple[bytes, int, int]:
    """A raw deflate stream of so many MB of `unit`, its size expanded, and its CRC-32."""
    block = repeated(unit)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # A full flush makes each piece independent: the first is said again and again.
    piece = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(times):
        check = zlib.crc32(block, check)
    end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    return piece * times + end, len(block) * times, check
