"""Office files, OpenDocument files and books, made as the tests need them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping

import docx
import odfdo
import openpyxl
import pptx
from pptx.util import Inches

from rag.connectors.formats.docx import DocxFormat
from rag.connectors.formats.epub import EpubFormat
from rag.connectors.formats.format import Format
from rag.connectors.formats.odp import OdpFormat
from rag.connectors.formats.ods import OdsFormat
from rag.connectors.formats.odt import OdtFormat
from rag.connectors.formats.pptx import PptxFormat
from rag.connectors.formats.xlsx import XlsxFormat

FORMATS: tuple[Format, ...] = (
    DocxFormat(),
    PptxFormat(),
    XlsxFormat(),
    OdtFormat(),
    OdsFormat(),
    OdpFormat(),
    EpubFormat(),
)
# The part of each format that holds its text.
PARTS = {
    "DOCX": "word/document.xml",
    "PPTX": "ppt/slides/slide1.xml",
    "XLSX": "xl/worksheets/sheet1.xml",
    "ODT": "content.xml",
    "ODS": "content.xml",
    "ODP": "content.xml",
    "EPUB": "OEBPS/package.opf",
}


def sample(name: str, text: str = "The pilot boards at the buoy.") -> bytes:
    """A small file of a format with a heading, `text` and a table."""
    return _MAKERS[name](text)


def _docx(text: str) -> bytes:
    document = docx.Document()
    document.add_heading("Fees", 1)
    document.add_paragraph(text)
    document.add_paragraph("berth", style="List Bullet")
    table = document.add_table(2, 2)
    for row, cells in enumerate((("Port", "Fee"), ("Aln", text))):
        for column, cell in enumerate(cells):
            table.cell(row, column).text = cell
    return saved(document.save)


def _pptx(text: str) -> bytes:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Fees"
    slide.placeholders[1].text = text
    table = slide.shapes.add_table(2, 2, 0, Inches(5), Inches(4), Inches(1)).table
    for row, cells in enumerate((("Port", "Fee"), ("Aln", "3"))):
        for column, cell in enumerate(cells):
            table.cell(row, column).text = cell
    slide.notes_slide.notes_text_frame.text = "Say it."
    return saved(deck.save)


def _xlsx(text: str) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Port", "Fee", "Note"], ["Aln", 3.5, text], ["Skerrin", 4, "per day"]):
        sheet.append(row)
    return saved(book.save)


def _odt(text: str) -> bytes:
    document = odfdo.Document("text")
    document.body.clear()
    document.body.append(odfdo.Header(1, "Fees"))
    document.body.append(odfdo.Paragraph(text))
    document.body.append(odfdo.List(["berth", "buoy"]))
    document.body.append(_odf_table([["Port", "Fee"], ["Aln", 3]]))
    return saved(document.save)


def _ods(text: str) -> bytes:
    document = odfdo.Document("spreadsheet")
    document.body.clear()
    document.body.append(
        _odf_table([["Port", "Fee", "Note"], ["Aln", 3, text], ["Skerrin", 4, "per day"]])
    )
    return saved(document.save)


def _odf_table(rows: list[list[object]]) -> odfdo.Table:
    table = odfdo.Table("Tariff")
    table.set_values(rows)
    return table


def _odp(text: str) -> bytes:
    document = odfdo.Document("presentation")
    document.body.clear()
    page = odfdo.DrawPage("one", name="One")
    title = odfdo.Frame.text_frame("Fees", size=("9cm", "2cm"), position=("1cm", "1cm"))
    title.presentation_class = "title"
    page.append(title)
    page.append(odfdo.Frame.text_frame(text, size=("9cm", "2cm"), position=("1cm", "5cm")))
    document.body.append(page)
    return saved(document.save)


def _epub(text: str) -> bytes:
    return epub({"one.xhtml": f"<h1>Fees</h1><p>{text}</p><ul><li>berth</li></ul>"})


def epub(
    chapters: Mapping[str, str],
    *,
    nav: str = "",
    ncx: str = "",
    more: Mapping[str, str] | None = None,
) -> bytes:
    """A book of these bodies, with the lists of a table of contents in either edition's form."""
    manifest = "".join(
        f'<item id="i{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="i{number}"/>' for number in range(len(chapters)))
    parts = {f"OEBPS/{name}": page(body) for name, body in chapters.items()}
    if nav:
        manifest += (
            '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        )
        parts["OEBPS/nav.xhtml"] = (
            '<html xmlns="http://www.w3.org/1999/xhtml" '
            'xmlns:epub="http://www.idpf.org/2007/ops"><body>'
            f'<nav epub:type="toc"><ol>{nav}</ol></nav></body></html>'
        )
    if ncx:
        manifest += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
        parts["OEBPS/toc.ncx"] = (
            '<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" '
            '"http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">'
            f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{ncx}</navMap></ncx>'
        )
    parts["OEBPS/package.opf"] = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Harbours</dc:title>'
        "<dc:creator>Ann Odd</dc:creator><dc:language>en</dc:language>"
        f"<dc:date>2024-03-01</dc:date></metadata><manifest>{manifest}</manifest>"
        f"<spine>{spine}</spine></package>"
    )
    parts["META-INF/container.xml"] = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/package.opf" media-type="application/oebps-package+xml"/>'
        "</rootfiles></container>"
    )
    return zipped({"mimetype": "application/epub+zip", **parts, **(more or {})})


def page(body: str) -> str:
    """A chapter, as XHTML."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml">'
        f"<head><title/></head><body>{body}</body></html>"
    )


def saved(save: Callable[[io.BytesIO], object]) -> bytes:
    """What `save` writes."""
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """An archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    """The members of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_part(data: bytes, name: str, change: Callable[[str], str]) -> bytes:
    """`data` with one member, as text, changed."""
    parts: dict[str, str | bytes] = dict(unzipped(data))
    before = parts[name]
    assert isinstance(before, bytes)
    after = change(before.decode())
    assert after != before.decode(), "nothing was changed"
    return zipped({**parts, name: after})


_MAKERS: dict[str, Callable[[str], bytes]] = {
    "DOCX": _docx,
    "PPTX": _pptx,
    "XLSX": _xlsx,
    "ODT": _odt,
    "ODS": _ods,
    "ODP": _odp,
    "EPUB": _epub,
}
