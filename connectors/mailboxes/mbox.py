"""mbox files: messages one after the other, each after a line that begins with `From `."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rag.connectors.mailboxes.letter import HEAD, BadLetter, Letter, digest, is_expunged, message_id
from rag.connectors.reading import reason, too_large
from rag.errors import DocumentError

_SEPARATOR = b"From "
# In a body a line may begin so, too; a separator has a time of day.
_DATED = re.compile(rb"From .*\d{1,2}:\d\d")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_LINE = HEAD  # bytes of a line that are looked at, at a time
_BLANK = (b"\n", b"\r\n")


def mbox(path: Path, longest: int) -> Iterator[Letter | BadLetter]:
    """The messages of a file that are not deleted. The file is read once, and never written.

    Only a message's place and hashes are kept; it is read again when it is wanted. Raises
    OSError, and DocumentError where the file is no mbox.
    """
    for span in _spans(path):
        if is_expunged(span.head):
            continue
        name = message_id(span.head) or span.hash.hex()
        read = partial(_read, path, span.start, span.length, span.hash, longest)
        body = span.body.digest()
        yield Letter(name, span.hash.hex(), span.length, read, partial(bytes, body))


@dataclass(slots=True)
class _Span:
    """A message: where it lies, its headers, and the hash of its body as far as it is read."""

    start: int
    length: int = 0
    head: bytes = b""
    in_head: bool = True
    whole: hashlib.blake2b = field(default_factory=partial(hashlib.blake2b, digest_size=16))
    body: hashlib.blake2b = field(default_factory=partial(hashlib.blake2b, digest_size=16))

    @property
    def hash(self) -> bytes:
        """The hash of all of it."""
        return self.whole.digest()

    def take(self, piece: bytes) -> None:
        """Add what comes next."""
        self.length += len(piece)
        self.whole.update(piece)
        if not self.in_head:
            self.body.update(piece)
        elif piece in _BLANK or len(self.head) > HEAD:
            self.in_head = False
        else:
            self.head += piece


def _spans(path: Path) -> Iterator[_Span]:
    span: _Span | None = None
    position = 0
    begins_line, blank = True, b""
    with path.open("rb") as file:
        while piece := file.readline(_LINE):
            position += len(piece)
            if begins_line and (span is None or blank) and _parts(piece, first=span is None):
                if span is not None:
                    yield span
                # A separator of more bytes than are looked at is no separator.
                span, blank = _Span(position), b""
            elif span is None:
                raise DocumentError("is no mbox file: it does not begin with 'From '")
            else:
                # The blank line before a separator is no part of the message: what is appended
                # to the file must not change the message before it.
                if blank:
                    span.take(blank)
                blank = piece if begins_line and piece in _BLANK else b""
                if not blank:
                    span.take(piece)
            begins_line = piece.endswith(b"\n")
    if span is not None:
        yield span


def _parts(line: bytes, *, first: bool) -> bool:
    if not line.startswith(_SEPARATOR) or not line.endswith(b"\n"):
        return False
    return first or _DATED.match(line) is not None


def _read(path: Path, start: int, length: int, expected: bytes, longest: int) -> bytes:
    if length > longest:
        raise DocumentError(too_large(length, longest))
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(length)
    except OSError as error:
        raise DocumentError(reason(error)) from error
    if digest(data) != expected:
        raise DocumentError("changed while being read; run again")
    return _ESCAPED.sub(rb"\1", data)
