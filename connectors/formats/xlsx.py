"""Workbooks: each row of each sheet becomes a sentence under the names of its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rag.connectors.formats.blocks import Writer
from rag.connectors.formats.building.rows import Row, sentences
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.zipped.number_format import BUILT_IN, formatter, plain
from rag.connectors.formats.zipped.package import Package, reference
from rag.connectors.formats.zipped.part import Stream, attribute, child, children, number
from rag.connectors.formats.zipped.worksheet import SheetReader, rich_text
from rag.types import Scalar

if TYPE_CHECKING:
    from lxml.etree import _Element

_LONGEST_NAME = 100  # characters of a sheet's name; Excel takes 31
_TRUE = frozenset({"1", "true"})


class XlsxFormat:
    """Workbooks (.xlsx): values as they are shown, hidden sheets left out."""

    name = "XLSX"
    extensions: tuple[str, ...] = (".xlsx", ".xlsm", ".xltx", ".xltm")
    media_types: tuple[str, ...] = (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """A heading for each sheet, and one line and block for each row."""
        package = Package(data, self.name)
        workbook = package.tree(package.main)
        formats = list(_formats(package, _is_since_1904(workbook)))
        reader = SheetReader(package.container, list(_strings(package)), formats)
        writer = Writer(gap="\n")
        sheets = list(_sheets(package, workbook))
        for title, part in sheets:
            write_sheet(writer, title, reader.rows(part))
        declared: dict[str, Scalar] = dict(package.properties())
        title = str(declared.pop("title", ""))
        if reader.counted.without_value:
            declared["formulas_without_value"] = reader.counted.without_value
        return Parsed(writer.text, title, writer.blocks, {**declared, "sheets": len(sheets)})


def write_sheet(writer: Writer, title: str, rows: Iterator[Row]) -> None:
    """Write a sheet as sentences beneath its name; nothing for one that is empty."""
    title = title[:_LONGEST_NAME]
    writer.restart()
    writer.place = f"sheet {title}"
    named = False
    for number_, sentence in sentences(rows):
        if not named:
            writer.heading(title, 1)
            named = True
        writer.add(sentence, "table", row=number_)


def _sheets(package: Package, workbook: _Element) -> Iterator[tuple[str, str]]:
    """The name and part of each sheet of cells that is not hidden, each part once."""
    targets = package.targets(package.main)
    seen: set[str] = set()
    for one in children(workbook, "sheets"):
        kind, part = targets.get(reference(one), ("", ""))
        if kind == "worksheet" and not attribute(one, "state").endswith("idden"):
            if part not in seen:
                yield " ".join(attribute(one, "name").split()), part
            seen.add(part)


def _strings(package: Package) -> Iterator[str]:
    part = package.related(package.main, "sharedStrings")
    if part and part in package.container:
        stream = Stream(package.container, part, ("si",))
        for element in stream:
            yield rich_text(element)
            stream.free(element)


def _formats(package: Package, since_1904: bool) -> Iterator[Callable[[float], str]]:
    """What shows a number, for each style of cells."""
    part = package.related(package.main, "styles")
    if not part or part not in package.container:
        return
    root = package.tree(part)
    codes = dict(BUILT_IN)
    for one in children(root, "numFmts"):
        codes[number(one, "numFmtId")] = attribute(one, "formatCode")
    for one in children(root, "cellXfs"):
        code = codes.get(number(one, "numFmtId"), "")
        yield formatter(code, since_1904) if code else plain


def _is_since_1904(workbook: _Element) -> bool:
    properties = child(workbook, "workbookPr")
    return properties is not None and attribute(properties, "date1904") in _TRUE
