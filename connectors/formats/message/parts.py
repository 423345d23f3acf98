"""The parts of an e-mail message: which are its body, and which are enclosed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32

from rag.connectors.formats.message.headers import header, readable
from rag.errors import DocumentError

MOST_PARTS = 1_000
DEEPEST = 50
# Every line is compared with every boundary that is open: this bounds their product.
_MOST_COMPARISONS = 40_000_000
_BOUNDARY = re.compile(rb"boundary\s*\*?[0-9*]*\s*=", re.IGNORECASE)
_LONGEST_HEADER = 1 << 14  # characters
_HEADERS = ("from", "date", "subject", "message-id", "to", "received")
_BODIES = {"text/plain", "text/html"}
_SIGNATURES = {
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
}
_ENCRYPTED = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
_LONGEST_NAME = 200
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Part:
    """A part without parts, or an enclosed message: `name` is "" for a part of the body."""

    part: Message
    name: str
    media_type: str
    message: Message | None = None

    @property
    def data(self) -> bytes:
        """Its content, its transfer encoding undone."""
        payload = self.part.get_payload(decode=True)
        return payload if isinstance(payload, bytes) else b""

    @property
    def charset(self) -> str | None:
        """The encoding that it is said to be written in."""
        return self.part.get_content_charset()


@dataclass(slots=True)
class Parts:
    """Counts the parts of a message and of those enclosed in it."""

    taken: int = 0
    _seen: set[int] = field(default_factory=set)

    def of(self, message: Message) -> Iterator[Part]:
        """The parts of `message` in order; of alternatives the plainest that has any text.

        Raises DocumentError where it is encrypted, or where there are too many or too deep.
        """
        return self._walk(message, 0)

    def _walk(self, part: Message, depth: int) -> Iterator[Part]:
        self.taken += 1
        if self.taken > MOST_PARTS or depth > DEEPEST:
            raise DocumentError(
                f"has more than {MOST_PARTS:,} parts, or parts nested deeper than {DEEPEST}"
            )
        kind = part.get_content_type()
        if kind in _ENCRYPTED and depth == 0:
            raise DocumentError("is encrypted; save it decrypted and index it again")
        children = _children(part)
        if kind.startswith("message/") and children:
            yield _enclosed(part, kind, children[0])
        elif not children:
            yield from _leaf(part, kind)
        elif kind == "multipart/alternative":
            yield from self._alternatives(children, depth)
        else:
            for child in children:
                yield from self._walk(child, depth + 1)

    def _alternatives(self, children: list[Message], depth: int) -> Iterator[Part]:
        """The best of several forms of one text, and what is enclosed in any of them."""
        found = [list(self._walk(child, depth + 1)) for child in children]
        best = min(found, key=_rank)
        for parts in found:
            yield from (part for part in parts if parts is best or part.name)


class _ShortHeaders(Compat32):
    """Cuts long headers: the library takes a time that grows with the square of their length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST_HEADER]


def parsed_message(data: bytes) -> Message:
    """The message in `data`. Raises DocumentError where that is none, or one made to do harm."""
    lines = data.count(b"\n") + 1
    boundaries = sum(1 for _ in _BOUNDARY.finditer(data))
    if lines * boundaries > _MOST_COMPARISONS:
        raise DocumentError("is made of too many parts for its size; save them on their own")
    try:
        message = BytesParser(policy=_ShortHeaders()).parsebytes(data)
    except RecursionError:
        raise DocumentError(f"has parts nested deeper than {DEEPEST}") from None
    if not any(header(message, name) for name in _HEADERS):
        raise DocumentError("is no e-mail message: it has no From, Date or Subject")
    return message


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _enclosed(part: Message, kind: str, message: Message) -> Part:
    if kind not in {"message/rfc822", "message/global", "message/news"}:
        # Reports of delivery: blocks of headers, and no message.
        return Part(part, file_name(part) or kind, kind)
    name = _shown(file_name(part) or f"{header(message, 'subject') or 'message'}.eml")
    coding = header(part, "content-transfer-encoding").lower()
    if coding not in {"base64", "quoted-printable"}:
        return Part(part, name, kind, message)
    # Not allowed (RFC 2046, section 5.2.1), and yet sent: the message itself is in disguise.
    carrier = Message()
    carrier["Content-Transfer-Encoding"] = coding
    carrier.set_payload(message.get_payload())
    return Part(carrier, name, kind)


def _leaf(part: Message, kind: str) -> Iterator[Part]:
    if kind in _SIGNATURES:
        return
    name = file_name(part)
    attached = part.get_content_disposition() == "attachment"
    if kind.startswith("multipart/"):
        # Without a boundary that holds, it is read as the text that it is.
        yield Part(part, "", "text/plain")
    elif kind in _BODIES and not name and not attached:
        yield Part(part, "", kind)
    else:
        yield Part(part, name or f"unnamed {kind}", kind)


def file_name(part: Message) -> str:
    """The name of the file that a part is, without folders; "" where it has none."""
    try:
        given = part.get_filename()
    except (LookupError, ValueError, TypeError):
        return ""
    return _shown(readable(given or "").replace("\\", "/").rpartition("/")[2])


def _shown(name: str) -> str:
    return " ".join(_UNSHOWN.sub(" ", name).split())[:_LONGEST_NAME]


def _rank(parts: list[Part]) -> int:
    """0 for plain text, 1 for HTML, 2 for other content, 3 for nothing."""
    bodies = [part for part in parts if not part.name and part.data.strip()]
    if not bodies:
        return 2 if parts else 3
    return 0 if bodies[0].media_type == "text/plain" else 1
