"""Pages of a PDF file without text: which they are, and their text where it can be recognised."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from rag.connectors.formats.printed import recognition
from rag.connectors.formats.printed.columns import in_reading_order
from rag.connectors.formats.printed.layout import Line
from rag.types import Metadata

if TYPE_CHECKING:
    import pypdfium2 as pdfium
    from PIL.Image import Image

_RESOLUTION = 300  # dots to an inch: what tesseract was trained on
_MOST_PIXELS = 20_000_000  # two pages of A4 at that resolution
_POINTS = 72.0  # to an inch
_MANY_PATHS = 100  # letters that are drawn as outlines


@dataclass(frozen=True, slots=True)
class Scans:
    """The numbers, from 1, of pages without text: those whose image was `read`, and the others.

    `late` says that time ran out before all were tried.
    """

    read: tuple[int, ...] = ()
    unread: tuple[int, ...] = ()
    late: bool = False

    @property
    def metadata(self) -> Metadata:
        """What a document says of them."""
        found = {"ocr_pages": _ranges(self.read), "scanned_pages": _ranges(self.unread)}
        return {key: value for key, value in found.items() if value}

    @property
    def complaint(self) -> str:
        """Why a file of these pages alone has no text, and what to do."""
        if not self.unread:
            return "has no text: its pages show neither text nor an image"
        one = len(self.unread) == 1
        told = (
            "its page is a scanned image"
            if one
            else f"its {len(self.unread)} pages are scanned images"
        )
        if missing := recognition.missing():
            return f"{told} without text; {missing} to read {'it' if one else 'them'}"
        if self.late:
            return f"{told}, and no text was recognised in time; split it"
        return f"{told}, and no text was recognised in {'it' if one else 'them'}"


def read_scans(
    document: pdfium.PdfDocument, empty: Iterable[int], lock: threading.Lock, until: float
) -> tuple[dict[int, list[Line]], Scans]:
    """The recognised lines of `empty` pages, by index from 0, and what was done with each.

    Recognition stops where `time.monotonic()` is `until`. PDFium is asked under `lock`, and
    recognition goes on without it. Raises DocumentError.
    """
    able = not recognition.missing()
    late = False
    found: dict[int, list[Line]] = {}
    drawn: list[int] = []
    for index in empty:
        with lock:
            image, points = _image(document[index], able=able and not late)
        if points:
            drawn.append(index)
        if image is None:
            continue
        try:
            lines = recognition.recognised(image, points, until - time.monotonic())
        except TimeoutError:
            late = True
            continue
        if lines:
            found[index] = in_reading_order(lines)
    read = tuple(index + 1 for index in found)
    return found, Scans(read, tuple(index + 1 for index in drawn if index not in found), late)


def _image(page: pdfium.PdfPage, *, able: bool) -> tuple[Image | None, float]:
    """A page as an image, if one is wanted, and the points of a pixel; 0.0 for a blank page."""
    try:
        if not _is_drawn(page):
            return None, 0.0
        width, height = page.get_size()
        most = math.sqrt(_MOST_PIXELS / max(width * height, 1.0))
        scale = min(_RESOLUTION / _POINTS, most)
        image = page.render(scale=scale, grayscale=True).to_pil() if able else None
        return image, 1.0 / scale
    finally:
        page.close()


def _is_drawn(page: pdfium.PdfPage) -> bool:
    """Whether a page shows an image, or so many lines that they may be letters."""
    from pypdfium2 import raw

    shapes = [raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH]
    for count, shape in enumerate(islice(page.get_objects(shapes), _MANY_PATHS), start=1):
        if shape.type == raw.FPDF_PAGEOBJ_IMAGE or count == _MANY_PATHS:
            return True
    return False


def _ranges(pages: tuple[int, ...]) -> str:
    """Ascending page numbers as people write them: `3, 7-9`."""
    starts = [n for above, n in pairwise((-1, *pages)) if n != above + 1]
    ends = [n for n, below in pairwise((*pages, -1)) if below != n + 1]
    spans = zip(starts, ends, strict=True)
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)
