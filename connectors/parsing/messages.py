"""What a parsing process and its parent say to each other: framed messages, never pickles.

A message is the length of its header (4 bytes), the header in JSON, and a body of raw bytes
whose length the header states as `size`. A request's body is the file; a reply's is the text.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any, TypeAlias

from rag.connectors.formats.format import Parsed
from rag.types import Block

Header: TypeAlias = Mapping[str, Any]
Message: TypeAlias = tuple[Header, bytes]

MOST_HEADER = 500_000_000
"""Bytes of a header: some ten million blocks."""
_LENGTH = struct.Struct(">I")


def send(stream: IO[bytes], header: Header, body: bytes = b"") -> None:
    """Write one message. Raises OSError where nobody reads any more.

    Raises TypeError or ValueError, before anything is written, for a header that is no plain
    data or too long.
    """
    encoded = json.dumps({**header, "size": len(body)}).encode("ascii")
    if len(encoded) > MOST_HEADER:
        raise ValueError("it is made of too many parts; split it")
    stream.write(_LENGTH.pack(len(encoded)))
    stream.write(encoded)
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes], most_body: int) -> Message | None:
    """Read one message; None where the other side has gone, or says what is no message."""
    start = stream.read(_LENGTH.size)
    if len(start) < _LENGTH.size or (length := _LENGTH.unpack(start)[0]) > MOST_HEADER:
        return None
    try:
        header = json.loads(stream.read(length))
        size = int(header["size"])
    except (ValueError, LookupError, TypeError):
        return None
    if not 0 <= size <= most_body or len(body := stream.read(size)) < size:
        return None
    return header, body


def packed(parsed: Parsed) -> Message:
    """`parsed` as a message."""
    # A text may hold half of a surrogate pair: that is for the indexer to refuse.
    body = parsed.text.encode("utf-8", "surrogatepass")
    blocks = [block.record for block in parsed.blocks]
    return {"title": parsed.title, "blocks": blocks, "metadata": dict(parsed.metadata)}, body


def unpacked(message: Message) -> Parsed:
    """The Parsed that was packed. Raises ValueError, LookupError or TypeError for none."""
    header, body = message
    return Parsed(
        body.decode("utf-8", "surrogatepass"),
        str(header["title"]),
        tuple(_block(*record) for record in header["blocks"]),
        dict(header["metadata"]),
    )


def _block(start: int, end: int, kind: Any, page: int | None, headings: Any, *rest: Any) -> Block:
    return Block(start, end, kind, page, tuple(headings), *rest)
