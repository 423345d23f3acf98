"""The lines of a PDF page with where they stand, as PDFium tells it."""

from __future__ import annotations

import ctypes
import math
import re
from typing import TYPE_CHECKING

from rag.connectors.formats.decoding import clean
from rag.connectors.formats.layout import Line

if TYPE_CHECKING:
    import pypdfium2 as pdfium

# PDFium writes U+FFFE for a hyphen at the end of a line whose word goes on, and joins the lines.
_HYPHENS = re.compile("[\ufffe\x02\xad]")
_LINE_END = re.compile(r"\r\n|\n|\r")
_CELL_GAP = 1.5  # of the type's size: wider than any space between words, justified or not


def page_lines(page: pdfium.PdfPage) -> list[Line]:
    """The lines of `page` that hold text, in PDFium's reading order.

    Only the ends of a line are measured, and the spaces of one set wide: measuring every
    character would cost more than the text itself.
    """
    textpage = page.get_textpage()
    try:
        count = textpage.count_chars()
        characters = _characters(textpage, count)
        found = []
        start = 0
        for match in _LINE_END.finditer(characters):
            found += _line(textpage, characters, start, match.start())
            start = match.end()
        return found + _line(textpage, characters, start, len(characters))
    finally:
        textpage.close()


def _characters(textpage: pdfium.PdfTextPage, count: int) -> str:
    """The page's text, one character for each of PDFium's, so that indices are the same in both.

    PDFium counts in UTF-16: a character beyond the first plane is a pair of surrogates here.
    """
    text: str = textpage.get_text_range() if count else ""
    if len(text) == count:
        return text
    units = memoryview(text.encode("utf-16-le")).cast("H")
    if len(units) == count:
        return "".join(map(chr, units))
    # A range of text leaves out some characters of the page; one by one, they are all there.
    from pypdfium2 import raw

    codes = (raw.FPDFText_GetUnicode(textpage, index) for index in range(count))
    return "".join(chr(code) if 0 < code < 0x110000 else " " for code in codes)


def _line(textpage: pdfium.PdfTextPage, text: str, start: int, end: int) -> list[Line]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start == end:
        return []
    size = _size(textpage, start)
    left, top = _box(textpage, start)[0], _origin(textpage, start)
    right, bottom = _box(textpage, end - 1)[1], _origin(textpage, end - 1)
    line = Line(_readable(text[start:end]), size, left, right, top, bottom)
    if line.sparse and (cells := _cells(textpage, text, start, end, size)):
        line = Line(" | ".join(cells), size, left, right, top, bottom, tabular=True)
    return [line] if line.text else []


def _readable(units: str) -> str:
    text = units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return " ".join(clean(_HYPHENS.sub("", text)).split())


def _cells(textpage: pdfium.PdfTextPage, text: str, start: int, end: int, size: float) -> list[str]:
    """The cells of a row that wide gaps part; none where there are no such gaps."""
    cuts = [start]
    for match in re.compile(r"\s+").finditer(text, start, end):
        gap = _box(textpage, match.end())[0] - _box(textpage, match.start() - 1)[1]
        if gap > _CELL_GAP * size:
            cuts += [match.start(), match.end()]
    cuts.append(end)
    cells = [_readable(text[a:b]) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
    return cells if len(cells) > 1 else []


def _size(textpage: pdfium.PdfTextPage, index: int) -> float:
    """The size of the type in points, to a tenth: the font's own times its scaling."""
    from pypdfium2 import raw

    size = raw.FPDFText_GetFontSize(textpage, index)
    matrix = raw.FS_MATRIX()
    if raw.FPDFText_GetMatrix(textpage, index, matrix):
        size *= math.hypot(matrix.c, matrix.d) or 1.0
    return round(size, 1) or 1.0


def _box(textpage: pdfium.PdfTextPage, index: int) -> tuple[float, float]:
    from pypdfium2 import raw

    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    raw.FPDFText_GetCharBox(textpage, index, left, right, bottom, top)
    return left.value, right.value


def _origin(textpage: pdfium.PdfTextPage, index: int) -> float:
    from pypdfium2 import raw

    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharOrigin(textpage, index, x, y)
    return y.value
