"""What the headers of an e-mail message say, decoded."""

from __future__ import annotations

import re
from datetime import UTC
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime

from rag.connectors.formats.decoding import clean, decode
from rag.errors import DocumentError

_SHOWN = ("Subject", "From", "To", "Cc", "Date")
_KEPT = ("from", "to", "cc")
_LONGEST = 8192  # characters; a header beyond is cut
_ID = re.compile(r"<([^<>\s]+)>")
_BEYOND_ASCII = re.compile("[\udc80-\udcff]")


def header(message: Message, name: str) -> str:
    """The first header of that name on one line, its encoded words (RFC 2047) decoded."""
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            return readable(str(value))
    return ""


def readable(value: str) -> str:
    """A header's value as text on one line; bytes beyond ASCII stand in it as surrogates."""
    line = " ".join(value[: 2 * _LONGEST].split())[:_LONGEST]
    if _BEYOND_ASCII.search(line):
        line = _text(line.encode("utf-8", "surrogateescape"), None)
    try:
        pieces = decode_header(line)
    except (HeaderParseError, ValueError):
        return clean(line)
    told = "".join(
        piece if isinstance(piece, str) else _piece(piece, charset) for piece, charset in pieces
    )
    # A word that is coded wrongly is better shown as it came than not at all.
    return " ".join(clean(told).split()) or clean(line)


def summary(message: Message) -> str:
    """The headers that people look at, a line for each."""
    told = ((name, header(message, name)) for name in _SHOWN)
    return "\n".join(f"{name}: {value}" for name, value in told if value)


def header_metadata(message: Message) -> dict[str, str]:
    """`from`, `to`, `cc`, `date` in ISO 8601 and UTC, `message_id` and `in_reply_to`."""
    told = {name: header(message, name) for name in _KEPT}
    told["date"] = date(message)
    told["message_id"] = message_id(message)
    told["in_reply_to"] = _identifier(header(message, "in-reply-to"))
    return {name: value for name, value in told.items() if value}


def message_id(message: Message) -> str:
    """The Message-ID without its brackets; "" for none."""
    return _identifier(header(message, "message-id"))


def date(message: Message) -> str:
    """When it was sent, in ISO 8601 and UTC; "" where the header says no valid time."""
    try:
        sent = parsedate_to_datetime(header(message, "date"))
        aware = sent if sent.tzinfo else sent.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _identifier(value: str) -> str:
    found = _ID.search(value)
    return found[1] if found else "".join(value.split()).strip("<>")


def _piece(raw: bytes, charset: str | None) -> str:
    # What stood between encoded words comes back as bytes of Python's own making.
    return _text(raw, charset) if charset else raw.decode("raw-unicode-escape", "replace")


def _text(raw: bytes, charset: str | None) -> str:
    try:
        return decode(raw, "a header", charset).text
    except DocumentError:
        return raw.decode("utf-8", "replace")
