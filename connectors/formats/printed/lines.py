"""The lines of a PDF page with where they stand, as PDFium tells it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from rag.connectors.formats.decoding import clean
from rag.connectors.formats.printed.layout import SOFT_HYPHEN, Cell, Line
from rag.connectors.formats.printed.measure import Box, Font, Measure

if TYPE_CHECKING:
    import pypdfium2 as pdfium

_Span: TypeAlias = tuple[int, int]
_Part: TypeAlias = tuple[int, int, Box, Box]
"""Where a cell begins and ends in the text, and the boxes of its first and last character."""

# PDFium writes one of these for a hyphen at the end of a line whose word goes on, and joins
# the two lines; SOFT_HYPHEN stands for it from here on.
_HYPHEN_MARK = re.compile("[\ufffe\x02]")
_HYPHENS = re.compile("[\ufffe\x02\xad]")
_SPACES = re.compile(r"\s+")
_LINE = re.compile("[^\r\n\ufffe\x02]+[\ufffe\x02]?")
# The least gap that may part two cells, in sizes of the type; spaces between words are narrower,
# unless they are spread out to fill the line.
_GAP = 0.8
_STEP = 0.5  # between lines, in sizes of the type: less is a number set higher or lower
# Words that reach no further than this beyond what their letters need have no gap among them.
_SLACK = 0.45
_WIDEST_SPACE = 0.55  # of lines that are spread out to the column's edge
_FEW = 4  # spaces, which are measured one by one without much ado


def page_lines(page: pdfium.PdfPage, fonts: dict[bytes, Font]) -> list[Line]:
    """The lines of `page` that hold text, in the order in which they were written.

    `fonts` are those of the document that were met before. Lines are measured where they begin
    and end, and in between only as far as their letters do not account for their width: to
    measure every character would cost more than the text itself.
    """
    textpage = page.get_textpage()
    try:
        count = textpage.count_chars()
        text: str = textpage.get_text_range() if count else ""
        if text and max(text) > "\uffff":  # PDFium counts in UTF-16
            text = "".join(map(chr, memoryview(text.encode("utf-16-le")).cast("H")))
        measure = Measure(textpage, page.get_rotation(), fonts, exact=len(text) == count)
        spans = (match.span() for match in _LINE.finditer(text))
        return [line for span in spans for line in _lines(measure, text, span)]
    finally:
        textpage.close()


def _lines(measure: Measure, text: str, span: _Span) -> Iterator[Line]:
    """The lines in a line of PDFium's: the cells of a table may be of several lines each."""
    start, end = _stripped(text, *span)
    if start >= end:
        return
    hyphened = _HYPHEN_MARK.match(text[end - 1]) is not None
    start, end = _stripped(text, start, end - hyphened)
    if start >= end:
        return
    ends = measure.box(start), measure.box(end - 1)
    fonts = measure.font(start), measure.font(end - 1)
    size = measure.size(start)
    if fonts[0] is not fonts[1] or ends[0][2] != ends[1][2]:
        size = max(size, measure.size(end - 1))
    alike = fonts[0] if fonts[0] is fonts[1] else None
    gathered: list[_Part] = []
    for part in _parts(measure, text, (start, end), ends, size, alike):
        if gathered and abs(_foot(part) - _foot(gathered[0])) > _STEP * size:
            yield from _line(measure, text, gathered, size, hyphened=False)
            gathered = []
        gathered.append(part)
    yield from _line(measure, text, gathered, size, hyphened=hyphened)


def _line(
    measure: Measure, text: str, parts: list[_Part], size: float, *, hyphened: bool
) -> Iterator[Line]:
    found = [
        Cell(words, first[0], max(first[0], last[1]))
        for start, end, first, last in parts
        if (words := _readable(text[start:end]))
    ]
    if not found:
        return
    if hyphened:
        found[-1] = found[-1].with_text(found[-1].text + SOFT_HYPHEN)
    start, end = parts[0][0], parts[-1][1] - 1
    bold = measure.font(start).bold and measure.font(end).bold
    (left, _, top), (_, right, bottom) = parts[0][2], parts[-1][3]
    drop = abs(top - bottom)
    turned = drop > size and abs(right - left) < drop
    # A note's number before or behind a line stands higher than the line, and is smaller.
    base = measure.origin(start)[1] - max(0.0, top - bottom)
    yield Line(tuple(found), size, base, bold, turned)


def _foot(part: _Part) -> float:
    """How low a cell stands; a number that stands higher may begin or end it."""
    return min(part[2][2], part[3][2])


def _stripped(text: str, start: int, end: int) -> _Span:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())


def _parts(  # noqa: PLR0917
    measure: Measure,
    text: str,
    span: _Span,
    ends: tuple[Box, Box],
    size: float,
    font: Font | None,
) -> Iterator[_Part]:
    """The parts of a line between its wide gaps; `font` is that of all its characters, if one."""
    start, end = span
    first, last = ends
    words = text[start:end]
    advances = measure.advances(font, words, start, size) if font and " " in words else []
    # Most lines are no wider than their letters need.
    if advances and abs(last[1] - first[0] - sum(advances)) <= _SLACK * size:
        yield start, end, first, last
        return
    for (before, after), ending, beginning in _wide_gaps(measure, text, span, advances, size):
        yield start, before, first, ending
        start, first = after, beginning
    yield start, end, first, last


def _wide_gaps(
    measure: Measure, text: str, span: _Span, advances: Sequence[float], size: float
) -> Iterator[tuple[_Span, Box, Box]]:
    """The spaces that are wider than any between words, with the boxes of what is beside them.

    Halves of a line are looked into as long as their letters do not account for their width.
    """
    start, end = span
    spaces = [match.span() for match in _SPACES.finditer(text, start, end)]
    words = [start, *(after for _, after in spaces)]
    slack = _SLACK * size
    if width := _space(measure, spaces, size, advances):
        characters = zip(text[start:end], advances, strict=True)
        advances = [width if character == " " else advance for character, advance in characters]
        slack = min(slack, 0.9 * (_GAP * size - width))
    needed = [0.0, *accumulate(advances)]
    begins = cache(lambda word: measure.box(words[word])[0])
    ranges = [(0, len(spaces))] if spaces else []
    while ranges:
        low, high = ranges.pop()
        if advances:
            room = needed[words[high] - start] - needed[words[low] - start]
            if abs(begins(high) - begins(low) - room) <= slack:
                continue
        if high - low > 1:
            middle = (low + high) // 2
            ranges += [(middle, high), (low, middle)]
            continue
        before, after = spaces[low]
        ending, beginning = measure.box(before - 1), measure.box(after)
        if not -_GAP * size <= beginning[0] - ending[1] <= _GAP * size:
            yield (before, after), ending, beginning


def _space(
    measure: Measure, spaces: Sequence[_Span], size: float, advances: Sequence[float]
) -> float:
    """How wide the middle space is: those of a full line are all spread out. 0.0 if unknown."""
    if len(spaces) < _FEW or not advances:
        return 0.0
    before, after = spaces[len(spaces) // 2]
    width = measure.box(after)[0] - measure.box(before - 1)[1]
    return width if 0 < width <= _WIDEST_SPACE * size else 0.0


def _readable(units: str) -> str:
    if not units.isascii():
        units = units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
        units = clean(_HYPHENS.sub("", units))
    return " ".join(units.replace("\x00", "").split())
