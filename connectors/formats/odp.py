"""OpenDocument presentations: each slide beneath its title, with tables and speaker notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.zipped.odf import CONTENT, OdfPackage
from rag.connectors.formats.zipped.odf_reader import SHAPES, OdfReader, blocks
from rag.connectors.formats.zipped.part import Stream, attribute, local
from rag.connectors.formats.zipped.reading_order import Box, Placed, in_reading_order

if TYPE_CHECKING:
    from lxml.etree import _Element

_FURNITURE = frozenset({"footer", "header", "date-time", "page-number", "page"})
_LENGTH = re.compile(r"(-?\d{1,6}(?:\.\d{1,6})?)(cm|mm|in|pt)")
_MICROMETRES = {"cm": 10_000, "mm": 1_000, "in": 25_400, "pt": 353}


class OdpFormat:
    """OpenDocument presentations (.odp); `page` is the number of the slide."""

    name = "ODP"
    extensions: tuple[str, ...] = (".odp", ".otp")
    media_types: tuple[str, ...] = ("application/vnd.oasis.opendocument.presentation",)
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """Slide by slide: its title as heading, its text and tables, then its notes."""
        package = OdfPackage(data, self.name)
        reader = OdfReader(package.styles())
        slides = 0
        stream = Stream(package.container, CONTENT, ("page", "automatic-styles"))
        for element in stream:
            if local(element) == "automatic-styles":
                reader.styles.add(list(element))
            else:
                slides += 1
                _read(reader, element, slides)
                stream.free(element)
        writer = reader.flow.writer
        declared = package.properties()
        title = declared.pop("title", "") or writer.first_heading
        return Parsed(writer.text, title, writer.blocks, {**declared, "slides": slides})


def _read(reader: OdfReader, slide: _Element, page: int) -> None:
    writer = reader.flow.writer
    reader.flow.page = page
    writer.restart()
    writer.place = f"slide {page}"
    shapes = [one for one in _shapes(slide) if attribute(one, "class") not in _FURNITURE]
    titles = [one for one in shapes if attribute(one, "class") == "title"][:1]
    for one in titles:
        reader.flow.heading(reader.plain(one), 1)
    for one in shapes:
        if one not in titles:
            reader.read(one)
    writer.place = f"slide {page}, notes"
    for notes in (one for one in slide if local(one) == "notes"):
        for one in blocks(notes):
            if attribute(one, "class") == "notes":
                reader.read(one)
    reader.flow.finish()


def _shapes(group: _Element) -> Iterator[_Element]:
    """The shapes of a slide in reading order, those of groups in their place."""
    placed = [Placed(one, _box(one)) for one in group if local(one) in SHAPES]
    for one in in_reading_order(placed):
        if local(one) == "g":
            yield from _shapes(one)
        else:
            yield one


def _box(shape: _Element) -> Box | None:
    lengths = [_micrometres(attribute(shape, name)) for name in ("x", "y", "width", "height")]
    left, top, width, height = lengths
    if left is None or top is None or width is None or height is None:
        return None
    return Box(left, top, left + width, top + height)


def _micrometres(length: str) -> int | None:
    found = _LENGTH.fullmatch(length)
    return round(float(found[1]) * _MICROMETRES[found[2]]) if found else None
