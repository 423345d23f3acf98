"""Word documents: headings by outline level, lists, tables, notes, text boxes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.zipped import word_paragraph
from rag.connectors.formats.zipped.flow import BULLET, Flow
from rag.connectors.formats.zipped.grid import Grid
from rag.connectors.formats.zipped.package import Package
from rag.connectors.formats.zipped.part import (
    Stream,
    attribute,
    child,
    children,
    local,
    number,
    tidy,
    within,
)
from rag.connectors.formats.zipped.word_numbering import Numbering
from rag.connectors.formats.zipped.word_styles import Styles

if TYPE_CHECKING:
    from lxml.etree import _Element

# What may stand between a block and the body, and says nothing of its own.
_WRAPPERS = frozenset(
    {"sdt", "sdtContent", "customXml", "ins", "moveTo", "AlternateContent", "Choice"}
)


class DocxFormat:
    """Word documents (.docx); running heads and feet and deletions are left out."""

    name = "DOCX"
    extensions: tuple[str, ...] = (".docx", ".docm", ".dotx", ".dotm")
    media_types: tuple[str, ...] = (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    )
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """Paragraphs, lists and tables beneath their headings; notes follow their place."""
        package = Package(data, self.name)
        reader = _Reader(package)
        stream = Stream(package.container, package.main, ("p", "tbl"))
        for element in stream:
            if _is_outermost(element):
                reader.read(element)
                stream.free(element)
        reader.flow.finish()
        writer = reader.flow.writer
        declared = package.properties()
        title = declared.pop("title", "") or writer.first_heading
        return Parsed(writer.text, title, writer.blocks, declared)


class _Reader:
    """Reads the blocks of a document in order."""

    def __init__(self, package: Package) -> None:
        self.flow = Flow()
        self._styles = Styles(_part(package, "styles"))
        self._numbering = Numbering(_part(package, "numbering"))
        self._notes = {
            (kind, attribute(one, "id")): one
            for kind in ("footnote", "endnote")
            for one in children(_part(package, f"{kind}s"))
        }

    def read(self, element: _Element) -> None:
        """Read a paragraph or a table."""
        if local(element) == "p":
            self._paragraph(element)
        else:
            self._table(element)

    def _paragraph(self, element: _Element) -> None:
        text, boxes = self._text(element)
        style = self._styles.of(element)
        if text and not style.contents:
            label = self._numbering.label(style.list_id, style.depth) if style.list_id else ""
            if style.level is not None:
                self.flow.heading(text if label == BULLET else f"{label} {text}", style.level)
            elif label:
                self.flow.item(label, style.depth, text)
            else:
                self.flow.block(text)
        for box in boxes:
            self._within(box)

    def _within(self, element: _Element) -> None:
        self.flow.finish()
        for one in _blocks(element, "p", "tbl"):
            self.read(one)
        self.flow.finish()

    def _table(self, element: _Element) -> None:
        rows = [list(_blocks(row, "tc")) for row in _blocks(element, "tr") if _is_kept(row)]
        if sum(map(len, rows)) == 1 or self._is_layout(element):
            for cells in rows:
                for cell in cells:
                    self._within(cell)
            return
        grid = Grid()
        for cells in rows:
            for cell in cells:
                self._cell(grid, cell)
            grid.end_row()
        self.flow.block(grid.text, table=True)

    def _is_layout(self, table: _Element) -> bool:
        """Whether a table only lays out a page: it holds headings or further tables."""
        if next((one for one in within(table, "tbl") if one is not table), None) is not None:
            return True
        return any(self._styles.of(one).level is not None for one in within(table, "p"))

    def _cell(self, grid: Grid, cell: _Element) -> None:
        properties = child(cell, "tcPr")
        span, merge = child(properties, "gridSpan"), child(properties, "vMerge")
        columns = 1 if span is None else number(span, "val", 1)
        if merge is not None and attribute(merge, "val") != "restart":
            grid.again(columns)
        else:
            grid.cell(self._cell_text(cell), columns)

    def _cell_text(self, cell: _Element) -> str:
        texts: list[str] = []
        for paragraph in _blocks(cell, "p"):
            text, boxes = self._text(paragraph)
            texts += [text, *(self._cell_text(box) for box in boxes)]
        return " ".join(texts)

    def _text(self, element: _Element) -> tuple[str, list[_Element]]:
        """A paragraph's text, its notes marked and put aside, and its text boxes."""
        found = word_paragraph.read(element)
        parts = (part if isinstance(part, str) else self._note(part) for part in found.parts)
        return tidy("".join(parts)), found.boxes

    def _note(self, reference: _Element) -> str:
        kind = local(reference).removesuffix("Reference")
        # A note that refers to itself would never end: each is read once.
        note = self._notes.pop((kind, attribute(reference, "id")), None)
        if note is None:
            return ""
        texts = [self._text(one)[0] for one in _blocks(note, "p")]
        return self.flow.note(kind, tidy("\n".join(texts)))


def _part(package: Package, kind: str) -> _Element | None:
    name = package.related(package.main, kind)
    return package.tree(name) if name and name in package.container else None


def _blocks(element: _Element, *names: str) -> Iterator[_Element]:
    """The children of these names, also within wrappers; parsers bound how deep those nest."""
    for one in element:
        name = local(one)
        if name in names:
            yield one
        elif name in _WRAPPERS:
            yield from _blocks(one, *names)


def _is_outermost(element: _Element) -> bool:
    parent = element.getparent()
    while parent is not None and local(parent) in _WRAPPERS:
        parent = parent.getparent()
    return parent is not None and local(parent) == "body"


def _is_kept(row: _Element) -> bool:
    return child(row, "trPr", "del") is None
