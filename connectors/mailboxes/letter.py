"""A message as it lies in a mailbox, not yet read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

HEAD = 1 << 16  # bytes of a message in which its headers are looked for

_MESSAGE_ID = re.compile(
    rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?(\S[^\r\n]*)", re.IGNORECASE | re.MULTILINE
)
_MOZILLA = re.compile(rb"^x-mozilla-status:[ \t]*([0-9a-f]{4})", re.IGNORECASE | re.MULTILINE)
_EXPUNGED = 0x0008
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Letter:
    """A message: `id` is its Message-ID, or made of its content where it has none.

    `version` changes whenever the content may have changed. `read` gives the message, and
    raises DocumentError; `body` is a hash of what follows the headers, which repeated copies
    share although their headers differ, and raises it too.
    """

    id: str
    version: str
    size: int
    read: Callable[[], bytes]
    body: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class BadLetter:
    """What cannot be read: `where` in its mailbox, and one line that says why."""

    where: str
    error: str


def head_of(data: bytes) -> bytes:
    """The headers at the beginning of a message."""
    return _END_OF_HEAD.split(data[:HEAD], maxsplit=1)[0]


def body_hash(data: bytes) -> bytes:
    """A hash of what follows the headers."""
    found = _END_OF_HEAD.search(data, 0, HEAD)
    return digest(data[found.end() :] if found else data)


def message_id(head: bytes) -> str:
    """The Message-ID that the headers say, without its brackets; "" for none."""
    found = _MESSAGE_ID.search(head)
    if found is None:
        return ""
    told = found[1].decode("utf-8", "replace").strip()
    inside = re.search(r"<([^<>\s]+)>", told)
    return inside[1] if inside else "".join(told.split()).strip("<>")


def is_expunged(head: bytes) -> bool:
    """Whether Thunderbird has deleted the message, and only not yet compacted the file."""
    found = _MOZILLA.search(head)
    return found is not None and bool(int(found[1], 16) & _EXPUNGED)


def digest(data: bytes) -> bytes:
    """A short hash of content."""
    return hashlib.blake2b(data, digest_size=16).digest()
