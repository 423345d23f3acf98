"""XML: the text of its elements, without knowing their schema.

What stands beside text is part of its paragraph; elements that hold nothing but text and stand
beside others are a record, `name: value; name: value`; and titles are headings, as in DocBook,
DITA and TEI. Nothing outside of the file is ever read, and entities are taken only where they
are plain text.
"""

from __future__ import annotations

import re

from rag.connectors.formats.building.elements import Elements
from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed
from rag.errors import DocumentError

_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
_DECLARED_WITHIN = 1024
_DEEPEST = 200
_MOST_ELEMENTS = 3_000_000
_MOST_DECLARED = 100
_MOST_EXPANDED = 1_000_000
_MARKUP = re.compile(r"&(?!#)|<")


class XmlFormat:
    """XML: paragraphs, records and tables under their titles; entities are never loaded."""

    name = "XML"
    extensions: tuple[str, ...] = (".xml", ".docbook", ".dbk", ".tei", ".dita")
    media_types: tuple[str, ...] = ("application/xml", "text/xml", "application/docbook+xml")
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """The text of the elements; where there is none at all, that of their attributes.

        Raises DocumentError where the file is not well formed, or is nested or expands too far.
        """
        found = _DECLARED.search(data[:_DECLARED_WITHIN])
        decoded = decode(data, self.name, found[1].decode("ascii") if found else None)
        elements = _read(decoded.text, attributes=False)
        writer = elements.written()
        if not writer.text:
            writer = _read(decoded.text, attributes=True).written()
        return Parsed(writer.text, writer.first_heading, writer.blocks, decoded.metadata)


def _read(text: str, *, attributes: bool) -> Elements:
    from xml.parsers import expat

    reader = _Reader(len(text), attributes=attributes)
    # What the file declares as its encoding is behind us: expat is given UTF-8.
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.specified_attributes = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.EntityDeclHandler = reader.entity
    parser.AttlistDeclHandler = reader.attribute_list
    parser.SkippedEntityHandler = reader.skipped
    try:
        parser.Parse(text.lstrip().encode(), True)
    except expat.ExpatError as error:
        message = expat.ErrorString(error.code)
        raise DocumentError(
            f"is not well-formed XML: {message} at line {error.lineno}, column {error.offset + 1}"
        ) from error
    return reader.elements


class _Reader:
    """Follows the parser within limits."""

    def __init__(self, size: int, *, attributes: bool) -> None:
        self.elements = Elements(attributes=attributes)
        self._left = size + _MOST_EXPANDED
        self._declared = self._depth = self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > _DEEPEST:
            raise DocumentError(f"is nested more than {_DEEPEST} deep; flatten it")
        if self._count > _MOST_ELEMENTS:
            raise DocumentError(f"has more than {_MOST_ELEMENTS:,} elements; split it")
        self.elements.start(name, attributes)

    def end(self, name: str) -> None:
        self._depth -= 1
        self.elements.end()

    def characters(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise DocumentError("has entities that expand to far more than the file holds")
        self.elements.characters(text)

    def skipped(self, name: str, is_parameter: int) -> None:
        """An entity of a DTD that is not loaded: HTML has the same names for characters."""
        from html.entities import html5

        if not is_parameter:
            self.elements.characters(html5.get(f"{name};", f"&{name};"))

    def entity(self, name: str, is_parameter: int, value: str | None, *where: str | None) -> None:
        """Refuse entities that hold others or elements: text alone cannot grow by itself."""
        self._declare()
        if value is not None and not is_parameter and _MARKUP.search(value):
            raise DocumentError("declares entities that hold other entities or elements; expand it")

    def attribute_list(
        self, element: str, attribute: str, kind: str, default: str | None, required: int
    ) -> None:
        """Count a declared attribute: each of them costs time at every element."""
        self._declare()

    def _declare(self) -> None:
        self._declared += 1
        if self._declared > _MOST_DECLARED:
            raise DocumentError(f"declares more than {_MOST_DECLARED} entities and attributes")
