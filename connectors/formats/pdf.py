"""PDF: the text of its pages, in paragraphs, without running heads and feet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rag.connectors.formats.blocks import Writer
from rag.connectors.formats.decoding import clean
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.layout import Line, body_size, heading_levels, is_list, regions
from rag.connectors.formats.lines import page_lines
from rag.connectors.formats.running import without_running_lines
from rag.connectors.formats.signature import is_pdf, looks_like
from rag.errors import DocumentError
from rag.types import Metadata

if TYPE_CHECKING:
    import pypdfium2 as pdfium

_LOCK = threading.Lock()  # PDFium may be called from one thread at a time
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_SECURITY_ERROR = 5  # FPDF_ERR_SECURITY: an encryption that PDFium does not know
_TAIL = 4096


class PdfFormat:
    """PDF with text. Scanned pages hold none: recognising text in images is not done."""

    name = "PDF"
    extensions: tuple[str, ...] = (".pdf",)
    media_types: tuple[str, ...] = ("application/pdf",)
    version = 2

    def parse(self, data: bytes, name: str) -> Parsed:
        """Headings by the size of their type, paragraphs, lists and tables, each with its page."""
        _check(data)
        with _LOCK, _opened(data) as document:
            declared = _declared(document)
            pages = [_page(document, number) for number in range(len(document))]
        writer = _write(without_running_lines(pages))
        if not writer.text:
            raise DocumentError(
                f"has no text on its {len(pages)} pages; it is probably scanned, "
                "and text recognition is not part of this version"
            )
        title = declared.pop("title", "") or writer.first_heading
        metadata: Metadata = {**declared, "pages": len(pages)}
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
        document.close()


def _page(document: pdfium.PdfDocument, number: int) -> list[Line]:
    import pypdfium2 as pdfium

    try:
        page = document[number]
        try:
            return page_lines(page)
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
    body = body_size(line for lines in pages for line in lines)
    levels = heading_levels((line for lines in pages for line in lines), body)
    for number, lines in enumerate(pages, start=1):
        for region in regions(lines):
            level = levels.get(region.size)
            if level is not None and region.may_head:
                writer.heading(region.text, level, number)
            elif region.tabular:
                writer.add(region.text, "table", number)
            else:
                writer.add(region.text, "list" if is_list(region.text) else "paragraph", number)
    return writer
