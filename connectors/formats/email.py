"""E-mail messages (.eml): headers, body, and what is attached, as far as a format reads it."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

from rag.connectors.formats.blocks import paragraphs
from rag.connectors.formats.catalogue import by_extension, by_media_type, extension
from rag.connectors.formats.decoding import decode, transcoded
from rag.connectors.formats.format import Format, Parsed
from rag.connectors.formats.message.headers import header, header_metadata, summary
from rag.connectors.formats.message.parts import Part, Parts, parsed_message
from rag.connectors.formats.message.sections import Sections
from rag.connectors.parsing.here import parse_here
from rag.errors import DocumentError
from rag.types import Block

_LONGEST_TEXT = 100_000_000  # characters, of a message and all that is attached
_MOST_ENCLOSED = 8  # messages within messages
_LONGEST_REASON = 120
_EMPTY = "is empty"
_SIGNATURE = ("-- ", "--")


class EmailFormat:
    """RFC 5322 messages with MIME. What is attached follows the body, headed by its name."""

    name = "email"
    extensions: tuple[str, ...] = (".eml",)
    media_types: tuple[str, ...] = ("message/rfc822", "message/global")
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """Subject, sender, receivers and date as the first block, then the body.

        Plain text is preferred to HTML. Quoted lines and the signature stay where they are, as
        blocks whose place is `quoted` or `signature`.
        """
        message = parsed_message(data)
        reader = _Reader()
        reader.read(message)
        sections = reader.sections
        return Parsed(sections.text, header(message, "subject"), sections.blocks, {
            **header_metadata(message), **reader.told,
        })  # fmt: skip


class _Reader:
    """Reads one message and those enclosed in it into one text."""

    def __init__(self) -> None:
        self.sections = Sections()
        self._parts = Parts()
        self._read: list[str] = []
        self._unread: list[str] = []

    @property
    def told(self) -> dict[str, str]:
        """The names of what was attached, and of what of it could not be read, with reasons."""
        names = {
            "attachments": ", ".join(self._read),
            "attachments_unread": "; ".join(self._unread),
        }
        return {key: value for key, value in names.items() if value}

    def read(
        self, message: Message, headings: tuple[str, ...] = (), place: str = "", depth: int = 0
    ) -> None:
        """Add `message`. Raises DocumentError where its body cannot be read."""
        self.sections.add(summary(message), headings=headings, place=place)
        enclosed: list[Part] = []
        for part in self._parts.of(message):
            if part.name:
                enclosed.append(part)
            else:
                self._body(part, headings, place)
        for part in enclosed:
            inside = ", ".join(one for one in (place, f"attachment {part.name}") if one)
            try:
                self._attachment(part, (*headings, part.name), inside, depth)
            except DocumentError as error:
                self._unread.append(f"{part.name} ({str(error)[:_LONGEST_REASON]})")
            else:
                self._read.append(part.name)

    def _body(self, part: Part, headings: tuple[str, ...], place: str) -> None:
        data = part.data
        if not data.strip():
            return
        if part.media_type == "text/plain":
            text = decode(data, "text", part.charset).text.strip("\n")
            if text.strip():
                self.sections.append(text, list(_plain_blocks(text)), headings, place)
            return
        try:
            parsed = parse_here(by_media_type()["text/html"], _recoded(part), "body.html")
        except DocumentError as error:
            if str(error) != _EMPTY:  # a page of pictures
                raise
        else:
            self.sections.take(parsed, headings, place)

    def _attachment(self, part: Part, headings: tuple[str, ...], place: str, depth: int) -> None:
        if self.sections.length > _LONGEST_TEXT:
            raise DocumentError(f"the message has over {_LONGEST_TEXT:,} characters before it")
        message = part.message
        reader = _format(part)
        if message is None and isinstance(reader, EmailFormat):
            message = parsed_message(part.data)
        if message is not None:
            self._message(message, part, headings, place, depth)
            return
        if reader is None:
            raise DocumentError("no format reads it")
        parsed = parse_here(reader, _recoded(part), part.name)
        self.sections.add(part.name, "heading", headings, place)
        self.sections.take(parsed, headings, place)

    def _message(
        self, message: Message, part: Part, headings: tuple[str, ...], place: str, depth: int
    ) -> None:
        if depth >= _MOST_ENCLOSED:
            raise DocumentError(f"is a message within {_MOST_ENCLOSED} others; save it on its own")
        self.sections.add(part.name, "heading", headings, place)
        self.read(message, headings, place, depth + 1)


def _format(part: Part) -> Format | None:
    """The format of an attachment: by its name, for the type is often said wrong."""
    return by_extension().get(extension(part.name)) or by_media_type().get(part.media_type)


def _recoded(part: Part) -> bytes:
    declared = part.charset if part.media_type.startswith("text/") else None
    return transcoded(part.data, declared) if declared else part.data


def _plain_blocks(text: str) -> Iterator[Block]:
    """The paragraphs of a message; quoted lines and the signature are blocks of their own."""
    signature = _signature(text)
    for start, end in paragraphs(text, 0, signature):
        for first, last, quoted in _runs(text, start, end):
            yield Block(first, last, place="quoted" if quoted else "")
    for start, end in paragraphs(text, signature, len(text)):
        yield Block(start, end, place="signature")


def _runs(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """The spans of a paragraph whose lines are all quoted, or all not."""
    first, quoted, position = start, text[start] == ">", start
    for line in text[start:end].split("\n"):
        if line.lstrip().startswith(">") != quoted:
            yield first, position - 1, quoted
            first, quoted = position + len(line) - len(line.lstrip()), not quoted
        position += len(line) + 1
    yield first, end, quoted


def _signature(text: str) -> int:
    """Where the signature begins, after the last line that is two dashes; the end for none."""
    lines = text.split("\n")
    for number in range(len(lines) - 1, -1, -1):
        if lines[number] in _SIGNATURE:
            return len("\n".join(lines[:number])) + (1 if number else 0)
    return len(text)
