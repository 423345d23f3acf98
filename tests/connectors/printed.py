"""PDF files made for tests."""

from __future__ import annotations

from datetime import UTC, datetime

import pypdfium2
from fpdf import FPDF
from PIL.Image import Image

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.pdf import PdfFormat

PROSE = (
    "The harbour master assigns a berth to every vessel that has announced its arrival a day "
    "ahead, and the pilot boards at the outer buoy unless the weather forbids it. "
)


def blank() -> FPDF:
    """A file without pages, in eleven points, made on a day that is always the same."""
    pdf = FPDF(unit="pt", format="A4")
    pdf.set_creation_date(datetime(2024, 3, 1, tzinfo=UTC))
    pdf.set_font("helvetica", size=11)
    pdf.set_auto_page_break(False)
    return pdf


def paged(*pages: str) -> FPDF:
    """A page for each text."""
    pdf = blank()
    for text in pages:
        pdf.add_page()
        pdf.multi_cell(0, 14, text)
    return pdf


def image_of(text: str, resolution: int = 150) -> Image:
    """A page with `text`, as a scanner gives it."""
    document = pypdfium2.PdfDocument(bytes(paged(text).output()))
    image: Image = document[0].render(scale=resolution / 72, grayscale=True).to_pil()
    document.close()
    return image


def scan(pdf: FPDF, text: str) -> None:
    """Add a page that is an image of `text`."""
    pdf.add_page()
    pdf.image(image_of(text), 0, 0, pdf.w, pdf.h)


def parse(pdf: FPDF) -> Parsed:
    """What the format makes of the file."""
    return PdfFormat().parse(bytes(pdf.output()), "made.pdf")
