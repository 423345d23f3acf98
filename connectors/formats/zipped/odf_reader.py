"""From the content of OpenDocument to blocks: what texts and slides have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.connectors.formats.zipped import odf_paragraph
from rag.connectors.formats.zipped.flow import BULLET, Flow
from rag.connectors.formats.zipped.grid import WIDEST_SPAN, Grid
from rag.connectors.formats.zipped.odf import OdfStyles
from rag.connectors.formats.zipped.part import attribute, child, local, number, tidy, within

if TYPE_CHECKING:
    from lxml.etree import _Element

BLOCKS = frozenset({"p", "h", "list", "table", "frame", "custom-shape"})
# What may stand between a block and the whole, and says nothing of its own. Indexes, such as
# a table of contents, are none: they say again what stands elsewhere.
WRAPPERS = frozenset({"section", "numbered-paragraph", "text-box", "g", "a"})

_ROWS = frozenset({"table-header-rows", "table-rows", "table-row-group"})
SHAPES = frozenset({"frame", "custom-shape", "rect", "ellipse", "g"})
_LONGEST_REPEATED = 20  # characters that one cell says in several columns


class OdfReader:
    """Reads blocks in order and writes them to `flow`."""

    def __init__(self, styles: OdfStyles) -> None:
        self.flow = Flow()
        self.styles = styles

    def read(self, element: _Element) -> None:
        """Read a block and all that is in it."""
        name = local(element)
        if name in {"p", "h"}:
            self._paragraph(element)
        elif name == "list":
            self._list(element, attribute(element, "style-name"), 0)
            self.flow.finish()
        elif name == "table":
            self._table(element)
        elif name in SHAPES:
            self.within(element)

    def within(self, element: _Element) -> None:
        """Read the blocks within an element."""
        self.flow.finish()
        for one in blocks(element):
            self.read(one)
        self.flow.finish()

    def _paragraph(self, element: _Element) -> None:
        text, boxes = self._text(element)
        if local(element) == "h":
            self.flow.heading(text, max(number(element, "outline-level", 1), 1))
        elif self.styles.is_title(attribute(element, "style-name")):
            self.flow.heading(text, 0)
        else:
            self.flow.block(text)
        for box in boxes:
            self.read(box)

    def _list(self, element: _Element, style: str, depth: int) -> None:
        count = 0
        for item in element:
            if local(item) not in {"list-item", "list-header"}:
                continue
            count = number(item, "start-value", count + 1)
            counted = self.styles.counts(style, depth) and local(item) == "list-item"
            self._item(item, style, depth, f"{count}." if counted else BULLET)

    def _item(self, item: _Element, style: str, depth: int, label: str) -> None:
        texts: list[str] = []
        for one in blocks(item):
            if local(one) == "p":
                texts.append(self._text(one)[0])
                continue
            self._end_item(label, depth, texts)
            if local(one) == "list":
                self._list(one, attribute(one, "style-name") or style, depth + 1)
            else:
                self.read(one)
        self._end_item(label, depth, texts)

    def _end_item(self, label: str, depth: int, texts: list[str]) -> None:
        self.flow.item(label, depth, tidy("\n".join(texts)))
        texts.clear()

    def _table(self, element: _Element) -> None:
        rows = [list(_cells(row)) for row in _rows(element)]
        if sum(map(len, rows)) == 1 or _is_layout(element):
            for cells in rows:
                for cell in cells:
                    self.within(cell)
            return
        grid = Grid()
        for cells in rows:
            for cell in cells:
                self._cell(grid, cell)
            grid.end_row()
        self.flow.block(grid.text, table=True)

    def _cell(self, grid: Grid, cell: _Element) -> None:
        repeated = min(number(cell, "number-columns-repeated", 1), WIDEST_SPAN)
        is_covered = local(cell) == "covered-table-cell"
        text = "" if is_covered else self.plain(cell)
        for _ in range(repeated if len(text) <= _LONGEST_REPEATED else 1):
            if is_covered:
                grid.covered()
            else:
                grid.cell(text, rows=number(cell, "number-rows-spanned", 1))

    def plain(self, element: _Element) -> str:
        """The text of all blocks within an element, as one line."""
        texts: list[str] = []
        for one in blocks(element):
            if local(one) in {"p", "h"}:
                text, boxes = self._text(one)
                texts += [text, *map(self.plain, boxes)]
            elif local(one) == "list":
                texts += [self.plain(item) for item in one]
            else:
                texts.append(self.plain(one))
        return " ".join(" ".join(texts).split())

    def _text(self, element: _Element) -> tuple[str, list[_Element]]:
        """A paragraph's text, its notes marked and put aside, and what is anchored in it."""
        found = odf_paragraph.read(element)
        parts = (part if isinstance(part, str) else self._note(part) for part in found.parts)
        return tidy("".join(parts)), found.boxes

    def _note(self, note: _Element) -> str:
        kind = "endnote" if attribute(note, "note-class") == "endnote" else "footnote"
        body = child(note, "note-body")
        return "" if body is None else self.flow.note(kind, self.plain(body))


def blocks(element: _Element) -> Iterator[_Element]:
    """The blocks within an element, also within wrappers; parsers bound how deep those nest."""
    for one in element:
        name = local(one)
        if name in BLOCKS or name in SHAPES:
            yield one
        elif name in WRAPPERS:
            yield from blocks(one)


def _rows(table: _Element) -> Iterator[_Element]:
    for one in table:
        if local(one) == "table-row":
            yield one
        elif local(one) in _ROWS:
            yield from _rows(one)


def _cells(row: _Element) -> Iterator[_Element]:
    return (one for one in row if local(one) in {"table-cell", "covered-table-cell"})


def _is_layout(table: _Element) -> bool:
    """Whether a table only lays out a page: it holds headings or further tables."""
    tables = (one for one in within(table, "table") if one is not table)
    return next(tables, None) is not None or next(within(table, "h"), None) is not None
