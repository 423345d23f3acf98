"""OpenDocument spreadsheets: each row of each sheet becomes a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from rag.connectors.formats.blocks import Writer
from rag.connectors.formats.decoding import clean
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.xlsx import write_sheet
from rag.connectors.formats.zipped.odf import CONTENT, OdfPackage
from rag.connectors.formats.zipped.odf_reader import OdfReader
from rag.connectors.formats.zipped.part import Stream, attribute, local, number
from rag.connectors.formats.zipped.worksheet import Counted, Merged

if TYPE_CHECKING:
    from lxml.etree import _Element

_MOST_COLUMNS = 16_384
_MOST_ROWS = 2_000_000  # a number that claims more is damaged
_MOST_ALIKE = 20  # rows: what a repeated row says is not said more often
_VALUES = ("string-value", "date-value", "time-value", "boolean-value", "value")


class OdsFormat:
    """OpenDocument spreadsheets (.ods): values as they are shown, hidden sheets left out."""

    name = "ODS"
    extensions: tuple[str, ...] = (".ods", ".ots")
    media_types: tuple[str, ...] = ("application/vnd.oasis.opendocument.spreadsheet",)
    version = 2

    def parse(self, data: bytes, name: str) -> Parsed:
        """A heading for each sheet, and one line and block for each row.

        Of a row that is repeated, the first twenty are said; rows after it keep their numbers.
        """
        package = OdfPackage(data, self.name)
        writer = Writer(gap="\n")
        sheets = _Sheets(package)
        for (_, title), rows in groupby(sheets.rows(), key=lambda found: found[0]):
            write_sheet(writer, title, ((row, cells) for _, row, cells in rows))
        declared = package.properties()
        title = declared.pop("title", "")
        return Parsed(writer.text, title, writer.blocks, {**declared, "sheets": sheets.shown})


class _Sheets:
    """Goes through the rows of all sheets that are shown."""

    def __init__(self, package: OdfPackage) -> None:
        self._package = package
        self._reader = OdfReader(package.styles())
        self._counted = Counted()
        self._merged = Merged()
        self._row = 0  # the last one, in its sheet
        self._sheet = 0
        self.shown = 0

    def rows(self) -> Iterator[tuple[tuple[int, str], int, dict[int, str]]]:
        """Rows that hold anything: the number and name of their sheet, their own, their cells."""
        tags = ("automatic-styles", "table", "table-row")
        stream = Stream(self._package.container, CONTENT, tags)
        for element in stream:
            name = local(element)
            if name == "automatic-styles":
                self._reader.styles.add(list(element))
            elif name == "table" and _is_sheet(element):
                self.shown += not self._is_hidden(element)
                self._sheet += 1
                self._row, self._merged = 0, Merged()
                stream.free(element)
            elif (sheet := _sheet_of(element)) is not None:
                title = " ".join(attribute(sheet, "name").split())
                hidden = self._is_hidden(sheet)
                for number_, cells in self._repeated(element, hidden):
                    yield (self._sheet, title), number_, cells
                stream.free(element)

    def _is_hidden(self, sheet: _Element) -> bool:
        return self._reader.styles.is_hidden(attribute(sheet, "style-name"))

    def _repeated(self, row: _Element, hidden: bool) -> Iterator[tuple[int, dict[int, str]]]:
        first = self._row + 1
        times = min(max(number(row, "number-rows-repeated", 1), 1), _MOST_ROWS)
        said = min(times, _MOST_ALIKE)
        self._row += times
        if hidden or not (cells := self._cells(row, first, said)):
            return
        for place in range(first, first + said):
            filled = dict(cells)
            self._merged.fill(place, filled)
            yield place, filled

    def _cells(self, row: _Element, place: int, rows: int) -> dict[int, str]:
        cells: dict[int, str] = {}
        column = 0
        for cell in row:
            times = min(max(number(cell, "number-columns-repeated", 1), 1), _MOST_COLUMNS)
            if local(cell) == "table-cell" and (text := self._shown(cell)):
                times = min(times, max(_MOST_COLUMNS - column, 0))
                self._counted.add(text, times * rows)
                cells.update(dict.fromkeys(range(column, column + times), text))
                if (spanned := number(cell, "number-rows-spanned", 1)) > 1:
                    self._merged.starting[place].append((column, place + spanned - 1))
            column += times
        return cells

    def _shown(self, cell: _Element) -> str:
        """What a cell shows; its value, where a program wrote no text for it."""
        if len(cell) == 1 and local(cell[0]) == "p" and not len(cell[0]):  # as nearly all are
            text = " ".join(clean(cell[0].text or "").split())
        else:
            text = self._reader.plain(cell)
        if text:
            return text
        return next((value for name in _VALUES if (value := attribute(cell, name))), "")


def _is_sheet(table: _Element) -> bool:
    parent = table.getparent()
    return parent is not None and local(parent) == "spreadsheet"


def _sheet_of(row: _Element) -> _Element | None:
    """The sheet that a row belongs to; None for rows of tables within cells."""
    parent = row.getparent()
    while parent is not None and local(parent) != "table":
        if local(parent) in {"table-cell", "covered-table-cell"}:
            return None
        parent = parent.getparent()
    return parent if parent is not None and _is_sheet(parent) else None
