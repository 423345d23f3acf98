"""The lines of a PDF page with where they stand, as PDFium tells it."""

from __future__ import annotations

import ctypes
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.connectors.formats.decoding import clean
from rag.connectors.formats.layout import Line

if TYPE_CHECKING:
    import pypdfium2 as pdfium

# PDFium writes U+FFFE for a hyphen at the end of a line whose word goes on, and joins the lines.
_HYPHENS = re.compile("[\ufffe\x02\xad]")
_SPACES = re.compile(r"\s+")
_LINE_END = re.compile(r"\r\n|\n|\r")
# Gaps between cells, in sizes of the type: wider than any space between words; and, beside a
# row that is known to be one, wider than spaces between words that are not spread out.
_CELL_GAP = 1.5
_CELL_GAP_BESIDE_ROW = 0.8


def page_lines(page: pdfium.PdfPage) -> list[Line]:
    """The lines of `page` that hold text, in PDFium's reading order.

    Only the ends of a line are measured, and the spaces of one set wide: measuring every
    character would cost more than the text itself.
    """
    textpage = page.get_textpage()
    try:
        text = _characters(textpage, textpage.count_chars())
        spans = _spans(text)
        found = [_line(textpage, text, *span) for span in spans]
        _mark_full_rows(textpage, text, spans, found)
        return [line for line in found if line.text]
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


def _spans(text: str) -> list[tuple[int, int]]:
    """Where the lines that hold anything begin and end, without surrounding white space."""
    ends = [match.span() for match in _LINE_END.finditer(text)]
    starts = [0, *(end for _, end in ends)]
    spans = zip(starts, [*(start for start, _ in ends), len(text)], strict=True)
    return [
        (start + len(line) - len(line.lstrip()), start + len(line.rstrip()))
        for start, line in ((start, text[start:end]) for start, end in spans)
        if line.strip()
    ]


def _line(textpage: pdfium.PdfTextPage, text: str, start: int, end: int) -> Line:
    size = _size(textpage, start)
    left, top = _box(textpage, start)[0], _origin(textpage, start)
    right, bottom = _box(textpage, end - 1)[1], _origin(textpage, end - 1)
    line = Line(_readable(text[start:end]), size, left, right, top, bottom)
    if not line.sparse:
        return line
    return _as_row(line, _cells(textpage, text, (start, end), _CELL_GAP * size))


def _mark_full_rows(
    textpage: pdfium.PdfTextPage, text: str, spans: list[tuple[int, int]], lines: list[Line]
) -> None:
    """Make rows of full lines beside rows: they have no more room than prose has."""
    for order in (range(1, len(lines)), range(len(lines) - 2, -1, -1)):
        for here in order:
            line, beside = lines[here], lines[here - order.step]
            if beside.tabular and not line.tabular and beside.size == line.size:
                gap = _CELL_GAP_BESIDE_ROW * line.size
                lines[here] = _as_row(line, _cells(textpage, text, spans[here], gap))


def _as_row(line: Line, cells: list[str]) -> Line:
    return replace(line, text=" | ".join(cells), tabular=True) if len(cells) > 1 else line


def _readable(units: str) -> str:
    text = units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return " ".join(clean(_HYPHENS.sub("", text)).split())


def _cells(
    textpage: pdfium.PdfTextPage, text: str, span: tuple[int, int], widest_space: float
) -> list[str]:
    """The parts of a line between the gaps wider than `widest_space`, in points."""
    start, end = span
    cuts = [start]
    for match in _SPACES.finditer(text, start, end):
        gap = _box(textpage, match.end())[0] - _box(textpage, match.start() - 1)[1]
        if gap > widest_space:
            cuts += [match.start(), match.end()]
    cuts.append(end)
    return [_readable(text[a:b]) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]


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
