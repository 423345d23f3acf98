"""OpenDocument texts: headings by outline level, lists, tables, notes, text boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.zipped.odf import CONTENT, OdfPackage
from rag.connectors.formats.zipped.odf_reader import BLOCKS, WRAPPERS, OdfReader
from rag.connectors.formats.zipped.part import Stream, local

if TYPE_CHECKING:
    from lxml.etree import _Element


class OdtFormat:
    """OpenDocument texts (.odt); running heads, indexes and deletions are left out."""

    name = "ODT"
    extensions: tuple[str, ...] = (".odt", ".ott")
    media_types: tuple[str, ...] = ("application/vnd.oasis.opendocument.text",)
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """Paragraphs, lists and tables beneath their headings; notes follow their place."""
        package = OdfPackage(data, self.name)
        reader = OdfReader(package.styles())
        stream = Stream(package.container, CONTENT, (*BLOCKS, "automatic-styles"))
        for element in stream:
            if local(element) == "automatic-styles":
                reader.styles.add(list(element))
            elif _is_outermost(element):
                reader.read(element)
                stream.free(element)
        reader.flow.finish()
        writer = reader.flow.writer
        declared = package.properties()
        title = declared.pop("title", "") or writer.first_heading
        return Parsed(writer.text, title, writer.blocks, declared)


def _is_outermost(element: _Element) -> bool:
    parent = element.getparent()
    while parent is not None and local(parent) in WRAPPERS:
        parent = parent.getparent()
    return parent is not None and local(parent) == "text"
