"""PDF: the text of its pages in reading order, with headings, lists and tables."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rag.connectors.formats.blocks import Writer
from rag.connectors.formats.decoding import clean
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.printed import recognition
from rag.connectors.formats.printed.cells import settled, tables
from rag.connectors.formats.printed.columns import in_reading_order
from rag.connectors.formats.printed.layout import Line, Region, compounds, is_list, regions
from rag.connectors.formats.printed.lines import page_lines
from rag.connectors.formats.printed.measure import Font
from rag.connectors.formats.printed.running import without_running_lines
from rag.connectors.formats.printed.scans import read_scans
from rag.connectors.formats.printed.titles import titles
from rag.connectors.formats.signature import is_pdf, looks_like
from rag.errors import DocumentError
from rag.types import BlockKind, Metadata

if TYPE_CHECKING:
    import pypdfium2 as pdfium

_LOCK = threading.Lock()  # PDFium may be called from one thread at a time
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_SECURITY_ERROR = 5  # FPDF_ERR_SECURITY: an encryption that PDFium does not know
_TAIL = 4096
_VERSION = 4
# Recognition of text in images ends this long after a file is begun: below the 60 seconds that
# `ParserPool` allows a file, so that what was recognised until then is kept.
_SECONDS = 45.0
# A file can name one page over and over, and pack text a thousand times smaller than it is.
_MOST_PAGES = 50_000
_MOST_CHARACTERS = 100_000_000


class PdfFormat:
    """PDF; scanned pages need the extra `ocr` and tesseract, and are reported without them."""

    name = "PDF"
    extensions: tuple[str, ...] = (".pdf",)
    media_types: tuple[str, ...] = ("application/pdf",)

    @property
    def version(self) -> int | str:
        """Other where text in images can be recognised: scanned files are then read again."""
        languages = recognition.languages()
        return f"{_VERSION}+{languages}" if languages else _VERSION

    def parse(self, data: bytes, name: str) -> Parsed:
        """Headings by their type, paragraphs, lists and tables, each with its page.

        Scanned pages are recognised for 45 seconds at most; the metadata `scanned_pages` lists
        those that were not.
        """
        until = time.monotonic() + _SECONDS
        _check(data)
        with _opened(data) as document:
            with _LOCK:
                declared = _declared(document)
                found = list(_pages(document))
            printed = without_running_lines(found)
            empty = [index for index, lines in enumerate(printed) if not lines]
            recognised, scans = read_scans(document, empty, _LOCK, until)
        if recognised:  # their heads and feet run with those of the other pages
            pages = [recognised.get(index, lines) for index, lines in enumerate(found)]
            printed = without_running_lines(pages)
        writer = _write([settled(lines) for lines in printed])
        if not writer.text:
            raise DocumentError(scans.complaint)
        title = declared.pop("title", "") or writer.first_heading
        metadata: Metadata = {**declared, "pages": len(found), **scans.metadata}
        return Parsed(writer.text, title, writer.blocks, metadata)


def _check(data: bytes) -> None:
    if not data.strip():
        raise DocumentError("is empty")
    if not is_pdf(data):
        kind = looks_like(data)
        hint = f": it looks like {kind}" if kind else ""
        raise DocumentError(f"is not a PDF although its name says so{hint}")
    # PDFium mends a file that was cut off, and the pages lost would never be missed.
    if b"startxref" not in data[-_TAIL:] and b"%%EOF" not in data[-_TAIL:]:
        raise DocumentError("is damaged: its end is missing; fetch or export it again")


@contextmanager
def _opened(data: bytes) -> Iterator[pdfium.PdfDocument]:
    import pypdfium2 as pdfium

    try:
        with _LOCK:
            document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if error.err_code in {_PASSWORD_ERROR, _SECURITY_ERROR}:
            message = "is encrypted; remove the password and index it again"
        else:
            message = f"is damaged: {str(error).rstrip('.')}; fetch or export it again"
        raise DocumentError(message) from error
    try:
        yield document
    finally:
        with _LOCK:
            document.close()


def _pages(document: pdfium.PdfDocument) -> Iterator[list[Line]]:
    if len(document) > _MOST_PAGES:
        raise DocumentError(f"has {len(document)} pages; more than {_MOST_PAGES} are not read")
    characters = 0
    fonts: dict[bytes, Font] = {}
    for number in range(len(document)):
        lines = _page(document, number, fonts)
        characters += sum(len(cell.text) for line in lines for cell in line.cells)
        if characters > _MOST_CHARACTERS:
            raise DocumentError(f"holds more than {_MOST_CHARACTERS} characters; part it")
        yield in_reading_order(lines)


def _page(document: pdfium.PdfDocument, number: int, fonts: dict[bytes, Font]) -> list[Line]:
    import pypdfium2 as pdfium

    try:
        page = document[number]
        try:
            return page_lines(page, fonts)
        finally:
            page.close()
    except pdfium.PdfiumError as error:
        message = f"is damaged: page {number + 1} cannot be read: {error}"
        raise DocumentError(message) from error


def _declared(document: pdfium.PdfDocument) -> dict[str, str]:
    """Title, author and day of creation, as far as the file names them."""
    found = {key.lower(): _value(document, key) for key in ("Title", "Author")}
    digits = _value(document, "CreationDate").removeprefix("D:")[:8]
    if len(digits) == 8 and digits.isascii() and digits.isdigit():
        found["created"] = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return {key: value for key, value in found.items() if value}


def _value(document: pdfium.PdfDocument, key: str) -> str:
    try:
        return " ".join(clean(document.get_metadata_value(key)).split())
    except UnicodeDecodeError:  # half a surrogate pair: the entry says nothing readable
        return ""


def _write(pages: list[list[Line]]) -> Writer:
    writer = Writer()
    every = [line for lines in pages for line in lines]
    known, heads = compounds(every), titles(every)
    for number, lines in enumerate(pages, start=1):
        found = list(regions(lines, tables(lines)))
        texts = [region.text(known) for region in found]
        for place, (region, text) in enumerate(zip(found, texts, strict=True)):
            beside = (texts[near] for near in (place - 1, place + 1) if 0 <= near < len(texts))
            level = heads.level(region, text, in_list=any(map(is_list, beside)))
            if level is not None:
                writer.heading(text, level, number)
            else:
                writer.add(text, _kind(region, text), number)
    return writer


def _kind(region: Region, text: str) -> BlockKind:
    if region.tabular:
        return "table"
    return "list" if is_list(text) else "paragraph"
