from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import docx
from block_law import spans
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from office_files import sample, saved, unzipped, with_part, zipped

from rag.connectors.formats.docx import DocxFormat
from rag.connectors.formats.format import Parsed

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"


def parse(data: bytes) -> Parsed:
    return DocxFormat().parse(data, "a.docx")


def of(document: Any) -> Parsed:
    return parse(saved(document.save))


def body(inner: str) -> list[str]:
    """The blocks of a document whose body is this WordprocessingML."""
    document = docx.Document()
    document.element.body.clear()
    for element in parse_xml(f"<w:body {nsdecls('w', 'r', 'wp', 'a')} {MORE}>{inner}</w:body>"):
        document.element.body.append(element)
    return spans(of(document))


MORE = (
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)


def test_headings_paragraphs_lists_and_tables() -> None:
    document = docx.Document()
    document.add_heading("Handbook", 0)
    document.add_heading("Fees", 1)
    document.add_paragraph("A fee is due\tdaily.")
    for text, style in (("one", "List Bullet"), ("two", "List Bullet 2"), ("three", "List Number")):
        document.add_paragraph(text, style=style)
    document.add_heading("Tariff", 2)
    table = document.add_table(2, 2)
    for place, text in enumerate(("Port", "Fee", "Aln", "3")):
        table.cell(place // 2, place % 2).text = text
    document.add_heading("Pilots", 1)
    parsed = of(document)
    found = [(b.kind, b.headings, t) for b, t in zip(parsed.blocks, spans(parsed), strict=True)]
    fees = ("Handbook", "Fees")
    assert found == [
        ("heading", ("Handbook",), "Handbook"),
        ("heading", fees, "Fees"),
        ("paragraph", fees, "A fee is due daily."),
        ("list", fees, "- one\n- two\n1. three"),
        ("heading", (*fees, "Tariff"), "Tariff"),
        ("table", (*fees, "Tariff"), "Port | Fee\nAln | 3"),
        ("heading", ("Handbook", "Pilots"), "Pilots"),
    ]
    assert parsed.blocks[5].header == "Port | Fee"


def test_headings_by_the_outline_level_of_a_style_of_any_name() -> None:
    document = docx.Document()
    style: Any = document.styles.add_style("Kapitelüberschrift", WD_STYLE_TYPE.PARAGRAPH)
    style.element.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="1"/>'))
    derived: Any = document.styles.add_style("Abschnitt", WD_STYLE_TYPE.PARAGRAPH)
    derived.base_style = style
    document.add_heading("Eins", 1)
    document.add_paragraph("Zwei", style="Abschnitt")
    document.add_paragraph("Text")
    assert of(document).blocks[-1].headings == ("Eins", "Zwei")


def test_styles_based_on_each_other_in_a_circle_end() -> None:
    document = docx.Document()
    names = ("One", "Two")
    styles: list[Any] = [document.styles.add_style(n, WD_STYLE_TYPE.PARAGRAPH) for n in names]
    styles[0].base_style, styles[1].base_style = styles[1], styles[0]
    document.add_paragraph("Text", style="One")
    assert of(document).blocks[0].kind == "paragraph"


def test_a_direct_outline_level_and_a_heading_too_long_to_be_one() -> None:
    level = '<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>{}</w:t></w:r></w:p>'
    document = docx.Document()
    for text in ("long " * 80, "Short"):
        document.element.body.insert(
            0, parse_xml(level.format(text).replace("<w:p>", f"<w:p {nsdecls('w')}>"))
        )
    assert [block.kind for block in of(document).blocks] == ["heading", "paragraph"]


def test_insertions_stay_and_deletions_go() -> None:
    inner = (
        "<w:p><w:r><w:t>The fee is </w:t></w:r>"
        "<w:del><w:r><w:delText>three</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>four</w:t></w:r></w:ins>"
        "<w:moveFrom><w:r><w:t> gone</w:t></w:r></w:moveFrom>"
        "<w:moveTo><w:r><w:t> here</w:t></w:r></w:moveTo></w:p>"
        "<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p><w:r><w:t>old</w:t></w:r></w:p></w:tc>"
        "<w:tc><w:p/></w:tc></w:tr><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p>"
        "<w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    assert body(inner) == ["The fee is four here", "a | b"]


def test_hyperlinks_fields_controls_breaks_and_formulas() -> None:
    inner = (
        '<w:p><w:hyperlink w:anchor="x"><w:r><w:t>the tariff</w:t></w:r></w:hyperlink>'
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t xml:space="preserve"> p. 7</w:t>'
        '</w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
        "<w:r><w:br/><w:t>next</w:t><w:noBreakHyphen/><w:t>line</w:t></w:r>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>"
        "<w:sdt><w:sdtPr/><w:sdtContent><w:p><w:r><w:t>controlled </w:t></w:r>"
        "<m:oMath><m:r><m:t>x+1</m:t></m:r></m:oMath></w:p></w:sdtContent></w:sdt>"
    )
    assert body(inner) == ["the tariff p. 7\nnext\u2011line", "controlled x+1"]


def test_text_boxes_are_read_once() -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>in the box</w:t></w:r></w:p></w:txbxContent>"
    inner = (
        "<w:p><w:r><w:t>around</w:t></w:r><w:r><mc:AlternateContent>"
        f'<mc:Choice Requires="wps"><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>'
        f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
    )
    assert body(inner) == ["around", "in the box"]


def test_a_table_of_contents_is_left_out() -> None:
    document = docx.Document()
    document.styles.add_style("toc 1", WD_STYLE_TYPE.PARAGRAPH)
    document.add_paragraph("Fees 3", style="toc 1")
    document.add_paragraph("Text")
    assert of(document).text == "Text"


def cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"


def test_merged_cells_keep_columns_in_their_place() -> None:
    down, on, wide = '<w:vMerge w:val="restart"/>', "<w:vMerge/>", '<w:gridSpan w:val="2"/>'
    inner = (
        f"<w:tbl><w:tr>{cell('Port')}{cell('Fees', wide)}{cell('Note')}</w:tr>"
        f"<w:tr>{cell('Aln', down)}{cell('3')}{cell('4')}{cell('x')}</w:tr>"
        f"<w:tr>{cell('', on)}{cell('5')}{cell('6')}{cell('y')}</w:tr></w:tbl>"
    )
    assert body(inner) == ["Port | Fees |  | Note\nAln | 3 | 4 | x\nAln | 5 | 6 | y"]


def test_tables_that_lay_out_a_page_are_read_cell_by_cell() -> None:
    inner_table = f"<w:tbl><w:tr>{cell('a')}{cell('b')}</w:tr></w:tbl>"
    outer = f"<w:tbl><w:tr>{cell('left')}<w:tc>{inner_table}<w:p/></w:tc></w:tr></w:tbl>"
    assert body(outer) == ["left", "a | b"]
    assert body(f"<w:tbl><w:tr>{cell('a box')}</w:tr></w:tbl>") == ["a box"]


def test_tables_in_tables_in_tables_end() -> None:
    table = f"<w:tbl><w:tr>{cell('a')}{cell('b')}</w:tr></w:tbl>"
    for _ in range(60):
        table = f"<w:tbl><w:tr><w:tc>{table}<w:p/></w:tc></w:tr></w:tbl>"
    assert body(table) == ["a | b"]


NUMBERING = (
    '<w:abstractNum {w} w:abstractNumId="90">'
    '<w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/>'
    '<w:lvlText w:val="%1."/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>'
    '<w:lvlText w:val="%1.%2)"/></w:lvl>'
    "</w:abstractNum>"
)


def numbered(kind: str, depths: str) -> str:
    document = docx.Document()
    root = document.part.numbering_part.element
    w = nsdecls("w")
    root.insert(0, parse_xml(NUMBERING.format(w=w, kind=kind)))
    root.append(parse_xml(f'<w:num {w} w:numId="91"><w:abstractNumId w:val="90"/></w:num>'))
    for depth in depths:
        paragraph: Any = document.add_paragraph("x")
        paragraph._p.get_or_add_pPr().append(
            parse_xml(f'<w:numPr {w}><w:ilvl w:val="{depth}"/><w:numId w:val="91"/></w:numPr>')
        )
    return of(document).text


def test_numbers_of_lists_are_counted_as_word_counts_them() -> None:
    assert numbered("lowerLetter", "0110") == "3. x\n  3.a) x\n  3.b) x\n4. x"
    assert numbered("upperRoman", "0101111") == (
        "3. x\n  3.I) x\n4. x\n  4.I) x\n  4.II) x\n  4.III) x\n  4.IV) x"
    )
    assert numbered("bullet", "01") == "3. x\n  - x"


def note_part(kind: str) -> tuple[str, str]:
    name = f"word/{kind}s.xml"
    note = (
        f'<w:{kind} w:id="2"><w:p><w:r><w:{kind}Ref/><w:t>Since 2024.</w:t>'
        f'<w:{kind}Reference w:id="2"/></w:r></w:p></w:{kind}>'
    )
    return name, f'<w:{kind}s xmlns:w="{W}">{note}</w:{kind}s>'


def with_note(kind: str) -> bytes:
    data = sample("DOCX", "Fees rose HERE today.")
    reference = f'</w:t><w:{kind}Reference w:id="2"/><w:t xml:space="preserve">'
    data = with_part(data, "word/document.xml", lambda text: text.replace(" HERE", reference, 1))
    name, part = note_part(kind)
    relation = (
        f'<Relationship Id="note1" Target="{kind}s.xml" Type="http://schemas.openxmlformats.org/'
        f'officeDocument/2006/relationships/{kind}s"/></Relationships>'
    )
    change: Callable[[str], str] = lambda text: text.replace("</Relationships>", relation)  # noqa: E731
    data = with_part(data, "word/_rels/document.xml.rels", change)
    return zipped({**unzipped(data), name: part})


def test_notes_follow_the_block_that_refers_to_them() -> None:
    assert spans(parse(with_note("footnote")))[1:3] == [
        "Fees rose[1] today.",
        "[1] Since 2024.",
    ]
    assert spans(parse(with_note("endnote")))[1:3] == ["Fees rose[i] today.", "[i] Since 2024."]


def test_running_heads_and_feet_are_left_out() -> None:
    document = docx.Document()
    document.add_paragraph("Text")
    section = document.sections[0]
    section.header.paragraphs[0].text = "running head"
    section.footer.paragraphs[0].text = "running foot"
    assert of(document).text == "Text"


def test_properties_become_title_and_metadata() -> None:
    document = docx.Document()
    document.add_heading("Fees", 1)
    assert of(document).title == "Fees"
    document.core_properties.title = "Harbour  handbook"
    document.core_properties.author = "Ann Odd"
    document.core_properties.created = datetime(2024, 3, 1, 9, tzinfo=UTC)
    parsed = of(document)
    assert parsed.title == "Harbour handbook"
    assert parsed.metadata == {"author": "Ann Odd", "created": "2024-03-01"}


def test_the_strict_edition_of_the_format() -> None:
    parts = {
        name: part.replace(W.encode(), STRICT.encode())
        for name, part in unzipped(sample("DOCX")).items()
    }
    assert spans(parse(zipped(parts))) == spans(parse(sample("DOCX")))


def test_as_many_words_as_python_docx_finds() -> None:
    data = sample("DOCX")
    import io

    document = docx.Document(io.BytesIO(data))
    texts = [paragraph.text for paragraph in document.paragraphs]
    texts += [one.text for table in document.tables for row in table.rows for one in row.cells]
    words = sorted(" ".join(texts).split())
    ours = sorted(parse(data).text.replace("|", " ").replace("- ", " ").split())
    assert ours == words
