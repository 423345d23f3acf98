from __future__ import annotations

from collections.abc import Callable
from typing import Any

import odfdo
import pytest
from block_law import spans
from office_files import sample, saved, unzipped, with_part, zipped

from rag.connectors.formats.format import Format, Parsed
from rag.connectors.formats.odp import OdpFormat
from rag.connectors.formats.ods import OdsFormat
from rag.connectors.formats.odt import OdtFormat
from rag.connectors.formats.zipped import worksheet
from rag.errors import DocumentError


def with_body(name: str, inner: str, styles: str = "") -> bytes:
    """The sample of a format with another body, and further automatic styles."""

    def change(text: str) -> str:
        kind = {"ODT": "text", "ODS": "spreadsheet", "ODP": "presentation"}[name]
        start = text.index(f"<office:{kind}>") + len(f"<office:{kind}>")
        text = text[:start] + inner + text[text.index(f"</office:{kind}>") :]
        made = f"<office:automatic-styles>{styles}</office:automatic-styles>"
        before, _, after = text.partition("<office:body>")
        return f"{before.partition('<office:automatic-styles')[0]}{made}<office:body>{after}"

    return with_part(sample(name), "content.xml", change)


def text(inner: str, styles: str = "") -> Parsed:
    return OdtFormat().parse(with_body("ODT", inner, styles), "a.odt")


def sheet(inner: str, styles: str = "") -> Parsed:
    return OdsFormat().parse(with_body("ODS", inner, styles), "a.ods")


def slides(inner: str) -> Parsed:
    return OdpFormat().parse(with_body("ODP", inner), "a.odp")


def test_headings_paragraphs_lists_and_tables() -> None:
    parsed = OdtFormat().parse(sample("ODT"), "a.odt")
    found = [(b.kind, b.headings, t) for b, t in zip(parsed.blocks, spans(parsed), strict=True)]
    assert found == [
        ("heading", ("Fees",), "Fees"),
        ("paragraph", ("Fees",), "The pilot boards at the buoy."),
        ("list", ("Fees",), "- berth\n- buoy"),
        ("table", ("Fees",), "Port | Fee\nAln | 3"),
    ]
    assert parsed.blocks[3].header == "Port | Fee"


def test_the_title_by_its_style_and_deeper_headings() -> None:
    parsed = text(
        '<text:p text:style-name="P1">Handbook</text:p><text:h text:outline-level="2">Fees</text:h>'
        "<text:section><text:p>Text</text:p></text:section>",
        '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>',
    )
    assert parsed.blocks[-1].headings == ("Handbook", "Fees")
    assert parsed.title == "Handbook"


def test_spaces_tabs_breaks_spans_and_links() -> None:
    parsed = text(
        '<text:p>a<text:s text:c="3"/>b<text:tab/>c<text:line-break/>d <text:span>e'
        "<text:a>link</text:a></text:span> tail\n of it</text:p>"
    )
    assert parsed.text == "a b c\nd elink tail of it"


def test_notes_and_comments() -> None:
    note = (
        '<text:note text:note-class="{}"><text:note-citation>1</text:note-citation>'
        "<text:note-body><text:p>Since 2024.</text:p></text:note-body></text:note>"
    )
    comment = "<office:annotation><text:p>check this</text:p></office:annotation>"
    parsed = text(
        f"<text:p>Fees{note.format('footnote')} rose{comment}.{note.format('endnote')}</text:p>"
    )
    assert spans(parsed) == ["Fees[1] rose.[i]", "[1] Since 2024.", "[i] Since 2024."]


def test_deletions_and_indexes_are_left_out() -> None:
    parsed = text(
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>gone</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        "<text:table-of-content><text:index-body><text:p>Fees 3</text:p></text:index-body>"
        "</text:table-of-content><text:p>kept<text:change/></text:p>"
    )
    assert parsed.text == "kept"


def test_numbered_and_nested_lists() -> None:
    style = (
        '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" '
        'style:num-format="1"/><text:list-level-style-bullet text:level="2"/></text:list-style>'
    )
    parsed = text(
        '<text:list text:style-name="L1"><text:list-item><text:p>one</text:p><text:list>'
        "<text:list-item><text:p>deep</text:p></text:list-item></text:list></text:list-item>"
        "<text:list-item><text:p>two</text:p></text:list-item></text:list>",
        style,
    )
    assert spans(parsed) == ["1. one\n  - deep\n2. two"]


def test_text_boxes_and_merged_cells() -> None:
    parsed = text(
        "<text:p>around<draw:frame><draw:text-box><text:p>in the box</text:p></draw:text-box>"
        "</draw:frame></text:p><table:table><table:table-row>"
        '<table:table-cell table:number-columns-spanned="2"><text:p>Fees</text:p>'
        "</table:table-cell>"
        "<table:covered-table-cell/><table:table-cell><text:p>Note</text:p></table:table-cell>"
        "</table:table-row><table:table-row>"
        '<table:table-cell table:number-rows-spanned="2"><text:p>Aln</text:p></table:table-cell>'
        "<table:table-cell><text:p>3</text:p></table:table-cell><table:table-cell/>"
        "</table:table-row><table:table-row><table:covered-table-cell/>"
        "<table:table-cell><text:p>4</text:p></table:table-cell>"
        "<table:table-cell><text:p>x</text:p></table:table-cell></table:table-row></table:table>"
    )
    assert spans(parsed) == ["around", "in the box", "Fees |  | Note\nAln | 3 | \nAln | 4 | x"]


def test_rows_of_sheets_are_sentences() -> None:
    document = odfdo.Document("spreadsheet")
    document.body.clear()
    for name, rows in (
        ("Budget", [["Budget 2024"], [], ["Port", "Fee", "Note"], ["Aln", 3, "x"]]),
        ("Pilots", [["Name", "Since"], ["Ann", 2003]]),
    ):
        table: Any = odfdo.Table(name)
        table.set_values(rows)
        document.body.append(table)
    parsed = OdsFormat().parse(saved(document.save), "a.ods")
    found = [(b.place, b.row, t) for b, t in zip(parsed.blocks, spans(parsed), strict=True)]
    assert found == [
        ("sheet Budget", None, "Budget"),
        ("sheet Budget", 1, "Budget 2024"),
        ("sheet Budget", 4, "Port: Aln; Fee: 3; Note: x"),
        ("sheet Pilots", None, "Pilots"),
        ("sheet Pilots", 2, "Name: Ann; Since: 2003"),
    ]
    assert parsed.metadata["sheets"] == 2


SPANNED = 'table:number-rows-spanned="2"'
SHARE = 'office:value="0.195"'
TWICE = 'table:number-columns-repeated="2"'
ALL_COLUMNS = 'table:number-columns-repeated="16384"'


def cell(shown: str, more: str = "") -> str:
    return f"<table:table-cell {more}><text:p>{shown}</text:p></table:table-cell>"


def table(rows: str, more: str = "") -> str:
    return f'<table:table table:name="Budget" {more}>{rows}</table:table>'


def test_cells_as_they_are_shown_repeated_and_merged() -> None:
    rows = (
        f"<table:table-row>{cell('Port')}{cell('Share')}{cell('Fee')}</table:table-row>"
        '<table:table-row table:number-rows-repeated="3"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row>'
        f"<table:table-row>{cell('Aln', SPANNED)}"
        f"{cell('19.5 %', SHARE)}"
        '<table:table-cell office:value="7"/></table:table-row>'
        f"<table:table-row><table:covered-table-cell/>"
        f"{cell('1', TWICE)}</table:table-row>"
        f'<table:table-row table:number-rows-repeated="2">{cell("Skerrin")}</table:table-row>'
    )
    parsed = sheet(table(rows))
    found = [(b.row, t) for b, t in zip(parsed.blocks, spans(parsed), strict=True)][1:]
    assert found == [
        (5, "Port: Aln; Share: 19.5 %; Fee: 7"),
        (6, "Port: Aln; Share: 1; Fee: 1"),
        (7, "Port: Skerrin"),
        (8, "Port: Skerrin"),
    ]


def test_hidden_sheets_are_left_out() -> None:
    row = f"<table:table-row>{cell('hidden')}</table:table-row>"
    style = (
        '<style:style style:name="ta1" style:family="table">'
        '<style:table-properties table:display="false"/></style:style>'
    )
    parsed = sheet(table(row, 'table:style-name="ta1"'), style)
    assert (parsed.text, parsed.metadata["sheets"]) == ("", 0)


@pytest.mark.timeout(10)
def test_a_row_repeated_often_is_said_some_times_and_counted_in_full() -> None:
    times = 'table:number-rows-repeated="1000000"'
    rows = (
        f"<table:table-row>{cell('Port')}</table:table-row>"
        f"<table:table-row {times}>{cell('Aln')}</table:table-row>"
        f"<table:table-row>{cell('Skerrin')}</table:table-row>"
    )
    parsed = sheet(table(rows))
    found = [(b.row, t) for b, t in zip(parsed.blocks, spans(parsed), strict=True)][1:]
    alike = [(row, "Port: Aln") for row in range(2, 22)]
    assert found == [*alike, (1_000_002, "Port: Skerrin")]


def test_repetition_beyond_measure_is_refused() -> None:
    rows = (
        '<table:table-row table:number-rows-repeated="1048576">'
        f"{cell('x', ALL_COLUMNS)}</table:table-row>"
    ) * (worksheet.MOST_CELLS // (20 * 16_384) + 1)
    with pytest.raises(DocumentError, match=f"more than {worksheet.MOST_CELLS:,} cells"):
        sheet(table(rows))


def frame(shown: str, kind: str = "", top: int = 0, left: int = 0) -> str:
    named = f'presentation:class="{kind}"' if kind else ""
    return (
        f'<draw:frame {named} svg:x="{left}cm" svg:y="{top}cm" svg:width="5cm" svg:height="1cm">'
        f"<draw:text-box><text:p>{shown}</text:p></draw:text-box></draw:frame>"
    )


def test_slides_titles_order_and_notes() -> None:
    page = (
        f"<draw:page>{frame('below', top=6)}{frame('above', top=4)}"
        f"<draw:g>{frame('grouped', top=8)}</draw:g>{frame('Fees', 'title', top=1)}"
        f"{frame('7', 'page-number', top=18)}"
        f"<presentation:notes>{frame('Say it.', 'notes')}</presentation:notes></draw:page>"
    )
    parsed = slides(page + f"<draw:page>{frame('alone')}</draw:page>")
    found = [
        (b.page, b.place, b.headings, t) for b, t in zip(parsed.blocks, spans(parsed), strict=True)
    ]
    assert [one[3] for one in found[:4]] == ["Fees", "below", "above", "grouped"]
    assert found[4:] == [
        (1, "slide 1, notes", ("Fees",), "Say it."),
        (2, "slide 2", (), "alone"),
    ]


def test_slides_out_of_order() -> None:
    page = f"<draw:page>{frame('below', top=6)}{frame('above', top=4)}</draw:page>"
    assert slides(page).text == "above\n\nbelow"


@pytest.mark.parametrize("name", ["ODT", "ODS", "ODP"])
def test_encrypted_documents(name: str) -> None:
    readers: dict[str, Format] = {"ODT": OdtFormat(), "ODS": OdsFormat(), "ODP": OdpFormat()}

    def lock(text: str) -> str:
        entry = '<manifest:file-entry manifest:full-path="x"><manifest:encryption-data/>'
        return text.replace(
            "</manifest:manifest>", entry + "</manifest:file-entry></manifest:manifest>"
        )

    data = with_part(sample(name), "META-INF/manifest.xml", lock)
    with pytest.raises(DocumentError, match="is encrypted; remove the password"):
        readers[name].parse(data, "a")


def test_properties() -> None:
    def declare(text: str) -> str:
        start, end = text.index("<office:meta>") + 13, text.index("</office:meta>")
        return (
            text[:start]
            + (
                "<dc:title>Harbours</dc:title><dc:creator>Bo</dc:creator>"
                "<meta:initial-creator>Ann Odd</meta:initial-creator>"
                "<meta:creation-date>2024-03-01T09:00:00</meta:creation-date>"
            )
            + text[end:]
        )

    change: Callable[[str], str] = declare
    parsed = OdtFormat().parse(with_part(sample("ODT"), "meta.xml", change), "a.odt")
    assert parsed.title == "Harbours"
    assert parsed.metadata == {"author": "Ann Odd", "created": "2024-03-01"}


def test_a_package_without_its_kind() -> None:
    parts = unzipped(sample("ODT"))
    del parts["mimetype"]
    with pytest.raises(DocumentError, match="another archive"):
        OdtFormat().parse(zipped(dict(parts)), "a.odt")
