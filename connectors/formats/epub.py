"""Books: their chapters in reading order, each read as a web page is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.html import flatten
from rag.connectors.formats.webpage.page import PageReader
from rag.connectors.formats.zipped.book import Book
from rag.errors import DocumentError
from rag.types import Block

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_DECLARED = re.compile(rb"""encoding\s*=\s*["']([\w.:-]+)""")
_DECLARED_WITHIN = 200
# In XHTML an element may end where it begins; to a parser of HTML these would swallow the rest.
_CLOSED_AT_ONCE = re.compile(
    r"<(title|script|style|textarea|iframe|noscript|a|div|span|p|i|b|em|strong)(\s[^<>]*?)?/>",
    re.IGNORECASE,
)
_LEFT_OUT = frozenset(
    {"-comment", "-doctype", "head", "nav", "script", "style", "template", "svg", "object"}
)
_GAP = "\n\n"


class EpubFormat:
    """Books (.epub) without DRM; the table of contents names the chapters."""

    name = "EPUB"
    extensions: tuple[str, ...] = (".epub",)
    media_types: tuple[str, ...] = ("application/epub+zip",)
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """Headings, paragraphs, lists and tables of each chapter, with the chapter as place."""
        book = Book(data, self.name)
        parts: list[str] = []
        found: list[Block] = []
        length = 0
        for part, chapter in book.chapters():
            text, blocks = _read(book.container.read(part), self.name, part)
            if text:
                found += _moved(blocks, length, chapter)
                parts.append(text)
                length += len(text) + len(_GAP)
        declared = book.properties()
        first = next((block for block in found if block.kind == "heading"), None)
        title = declared.pop("title", "") or (first.headings[-1] if first else "")
        return Parsed(_GAP.join(parts), title, tuple(found), declared)


def _read(data: bytes, kind: str, part: str) -> tuple[str, tuple[Block, ...]]:
    """The text of a chapter and its blocks; all of it is content, as a book has no furniture."""
    from selectolax.lexbor import LexborHTMLParser

    found = _DECLARED.search(data[:_DECLARED_WITHIN])
    try:
        decoded = decode(data, kind, found[1].decode("ascii") if found else None)
    except DocumentError as error:
        raise DocumentError(f"is damaged: {part} {error}") from error
    markup = _CLOSED_AT_ONCE.sub(r"<\1\2></\1>", decoded.text)
    body = LexborHTMLParser(flatten(markup)).body
    reader = PageReader(_is_left_out)
    if body is not None:
        reader.read(body)
    return reader.writer.text, reader.writer.blocks


def _is_left_out(node: LexborNode) -> bool:
    tag = node.tag or "-comment"
    return tag in _LEFT_OUT or (tag != "-text" and "hidden" in node.attributes)


def _moved(blocks: tuple[Block, ...], by: int, chapter: str) -> Iterator[Block]:
    """The blocks of a chapter in the whole book, beneath the chapter where they have no heading."""
    above = (chapter,) if chapter else ()
    for block in blocks:
        yield replace(
            block,
            start=block.start + by,
            end=block.end + by,
            headings=block.headings or above,
            place=chapter,
        )
