from datetime import UTC, datetime

import pytest
from block_law import spans
from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]
from fpdf import FPDF

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.pdf import PdfFormat
from rag.errors import DocumentError

PROSE = (
    "The harbour master assigns a berth to every vessel that has announced its arrival a day "
    "ahead, and the pilot boards at the outer buoy unless the weather forbids it. "
)


def blank(**options: str) -> FPDF:
    pdf = FPDF()
    pdf.set_creation_date(datetime(2024, 3, 1, tzinfo=UTC))
    pdf.set_font("helvetica", size=11)
    if options:
        pdf.set_encryption(owner_password="owner", **options)
    return pdf


def write(pdf: FPDF, text: str, size: int = 11) -> None:
    pdf.set_font("helvetica", size=size)
    pdf.multi_cell(0, size * 0.5, text, new_x="LMARGIN", new_y="NEXT")


def handbook(pages: int = 4) -> bytes:
    """Running head and foot, a chapter's heading, prose, a list and a table on each page."""
    pdf = blank()
    pdf.set_title("Harbour handbook")
    pdf.set_author("Ann Odd")
    for number in range(1, pages + 1):
        pdf.add_page()
        write(pdf, f"Handbook 2024 - {number}", 9)
        write(pdf, f"Chapter {number}", 18)
        write(pdf, PROSE * number)
        pdf.ln(6)
        write(pdf, f"- item {'x' * number}\n- second item")
        with pdf.table() as table:
            for cells in (("Port", "Fee"), ("Aln", f"{'1' * number}.50")):
                row = table.row()
                for cell in cells:
                    row.cell(cell)
        pdf.set_auto_page_break(False)
        pdf.set_y(-15)
        write(pdf, f"Page {number} of {pages}", 9)
        pdf.set_auto_page_break(True, 20)
    return bytes(pdf.output())


def parse(data: bytes) -> Parsed:
    return PdfFormat().parse(data, "a.pdf")


def one_page(*texts: str, size: int = 11) -> Parsed:
    pdf = blank()
    pdf.add_page()
    for text in texts:
        write(pdf, text, size)
        pdf.ln(8)
    return parse(bytes(pdf.output()))


def test_pages_headings_lists_and_tables() -> None:
    parsed = parse(handbook())
    texts = spans(parsed)
    found = [(b.page, b.kind, b.headings) for b in parsed.blocks]
    kinds = ("heading", "paragraph", "list", "table")
    assert found == [(n, kind, (f"Chapter {n}",)) for n in range(1, 5) for kind in kinds]
    assert texts[:4] == [
        "Chapter 1",
        PROSE.strip(),
        "- item x\n- second item",
        "Port | Fee\nAln | 1.50",
    ]


def test_declared_metadata() -> None:
    parsed = parse(handbook())
    assert parsed.title == "Harbour handbook"
    assert parsed.metadata == {"author": "Ann Odd", "created": "2024-03-01", "pages": 4}


def test_running_lines_go_where_pages_are_three_or_more() -> None:
    assert "Handbook 2024" not in parse(handbook(3)).text
    assert "Page 1 of" not in parse(handbook(3)).text
    assert "Handbook 2024 - 1" in parse(handbook(2)).text


def test_rows_that_differ_in_numbers_are_no_running_lines() -> None:
    pdf = blank()
    for page in range(3):
        pdf.add_page()
        write(pdf, "\n".join(f"Row {page * 30 + row}" for row in range(30)))
    assert len(parse(bytes(pdf.output())).text.split("Row")) == 91


def test_title_falls_back_to_the_first_heading() -> None:
    pdf = blank()
    pdf.add_page()
    write(pdf, "Berths", 20)
    write(pdf, PROSE)
    parsed = parse(bytes(pdf.output()))
    assert parsed.title == "Berths"
    assert one_page(PROSE).title == ""


def test_wrapped_lines_are_joined_and_short_ones_kept() -> None:
    assert one_page(PROSE * 3).text == (PROSE * 3).strip()
    address = "Harbour Office\nQuay 3\nSkerrin"
    assert address in one_page(PROSE * 2, address).text


def test_hyphenated_words_are_mended() -> None:
    text = "The vessel announces its arrival to the har-\nbour master and waits."
    assert "harbour master" in one_page(PROSE, text).text.replace("\n", " ")


def test_characters_beyond_the_first_plane(tmp_path_factory: pytest.TempPathFactory) -> None:
    font = tmp_path_factory.mktemp("font") / "wide.ttf"
    _font_with("\U0001d538Ab ").save(font)
    pdf = FPDF()
    pdf.add_font("wide", "", font)
    pdf.set_font("wide", size=11)
    pdf.add_page()
    pdf.multi_cell(0, 6, "A \U0001d538 b\nb \U0001d538\U0001d538 A")
    text = parse(bytes(pdf.output())).text
    assert text.split() == ["A", "\U0001d538", "b", "b", "\U0001d538\U0001d538", "A"]


def _font_with(characters: str) -> FontBuilder:
    """A font whose every character is an empty square."""
    names = [".notdef", *(f"g{ord(character):x}" for character in characters)]
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    for corner in ((450, 0), (450, 700), (50, 700)):
        pen.lineTo(corner)
    pen.closePath()
    square = pen.glyph()
    font = FontBuilder(1000)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(c): f"g{ord(c):x}" for c in characters})
    font.setupGlyf(dict.fromkeys(names, square))
    font.setupHorizontalMetrics(dict.fromkeys(names, (500, 50)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Wide", "styleName": "Regular", "psName": "Wide"})
    font.setupOS2(sTypoAscender=800)
    font.setupPost()
    return font


def test_encrypted() -> None:
    pdf = blank(user_password="secret")
    pdf.add_page()
    write(pdf, PROSE)
    with pytest.raises(DocumentError, match="is encrypted; remove the password"):
        parse(bytes(pdf.output()))


def test_protected_against_changes_only() -> None:
    pdf = blank(user_password="")
    pdf.add_page()
    write(pdf, "Readable.")
    assert parse(bytes(pdf.output())).text == "Readable."


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated(share: float) -> None:
    data = handbook()
    with pytest.raises(DocumentError, match=r"^is damaged: "):
        parse(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"%PDF-1.4 nothing in it\nstartxref\n0\n%%EOF", "^is damaged: "),
        (b"hello", "is not a PDF although its name says so$"),
        (b"PK\x03\x04" + b"x" * 2000, "zip archive"),
        (b"x" * 1024 + b"%PDF-1.4", "is not a PDF"),
        (b" \n", "^is empty$"),
    ],
)
def test_what_is_no_pdf_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(DocumentError, match=says) as caught:
        parse(data)
    assert "\n" not in str(caught.value)


def test_junk_before_the_header_is_allowed() -> None:
    assert parse(b"\n" + handbook(1)).text.startswith("Handbook 2024")


def test_reading_twice_gives_the_same() -> None:
    assert parse(handbook()) == parse(handbook())


def test_full_rows_belong_to_the_table_beside_them() -> None:
    pdf = blank()
    pdf.add_page()
    write(pdf, PROSE)
    pdf.ln(6)
    full = ("Shore power conversion, Maid", "690,000 pounds", "Grete Almond of the yard")
    with pdf.table(col_widths=(66, 34, 50), width=150) as table:
        for cells in (("Project", "Budget", "Manager"), full, ("Linkspan", "385", "P. Strand")):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    rows = ["Project | Budget | Manager", " | ".join(full), "Linkspan | 385 | P. Strand"]
    assert spans(parse(bytes(pdf.output())))[-1].split("\n") == rows
