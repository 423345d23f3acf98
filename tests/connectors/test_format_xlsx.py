from __future__ import annotations

import datetime
import io
import re
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from block_law import spans
from office_files import sample, saved, unzipped, with_part, zipped

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.xlsx import XlsxFormat
from rag.connectors.formats.zipped import worksheet
from rag.errors import DocumentError


def parse(data: bytes) -> Parsed:
    return XlsxFormat().parse(data, "a.xlsx")


def book(*rows: Sequence[Any]) -> Any:
    made = openpyxl.Workbook()
    made.active.title = "Budget"
    for row in rows:
        made.active.append(row)
    return made


def rows_of(made: Any) -> list[tuple[int | None, str]]:
    parsed = parse(saved(made.save))
    found = [(b.row, t) for b, t in zip(parsed.blocks, spans(parsed), strict=True)]
    return [one for one in found if one[0] is not None]


def test_each_row_is_a_sentence_beneath_its_sheet() -> None:
    made = book(["Port", "Fee"], ["Aln", 3], [], ["Skerrin", None])
    made.create_sheet("Pilots").append(["Ann Odd"])
    parsed = parse(saved(made.save))
    found = [
        (b.kind, b.place, b.row, b.headings, t)
        for b, t in zip(parsed.blocks, spans(parsed), strict=True)
    ]
    assert found == [
        ("heading", "sheet Budget", None, ("Budget",), "Budget"),
        ("table", "sheet Budget", 2, ("Budget",), "Port: Aln; Fee: 3"),
        ("table", "sheet Budget", 4, ("Budget",), "Port: Skerrin"),
        ("heading", "sheet Pilots", None, ("Pilots",), "Pilots"),
        ("table", "sheet Pilots", 1, ("Pilots",), "Ann Odd"),
    ]
    assert parsed.metadata["sheets"] == 2


def test_a_header_below_a_title() -> None:
    made = book(["Budget 2024"], [], ["Port", "Fee", "Note"], ["Aln", 3, "x"])
    assert rows_of(made) == [(1, "Budget 2024"), (4, "Port: Aln; Fee: 3; Note: x")]


def test_a_table_that_begins_further_right_and_below() -> None:
    made = book()
    for place, value in {"C5": "Port", "D5": "Fee", "C6": "Aln", "D6": 3}.items():
        made.active[place] = value
    assert rows_of(made) == [(6, "Port: Aln; Fee: 3")]


def test_numbers_days_and_shares_as_they_are_shown() -> None:
    made = book(["Value"])
    shown = {
        "General": (0.1 + 0.2, "0.3"), "0": (2.5, "3"), "#,##0.00": (1234.5, "1,234.50"),
        "0.0%": (0.195, "19.5%"), '#,##0 "EUR"': (-1200, "-1,200 EUR"),
        '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\)': (-3, "-$3.00"),
        "yyyy-mm-dd": (datetime.date(2024, 3, 1), "2024-03-01"),
        "d/m/yy h:mm": (datetime.datetime(2024, 3, 1, 14, 30), "2024-03-01 14:30"),
        "h:mm:ss": (datetime.time(9, 5), "09:05:00"),
        "mmm yyyy": (datetime.date(2024, 3, 1), "2024-03"),
        "[h]:mm": (datetime.timedelta(hours=36, minutes=15), "36:15"), "@": ("text", "text"),
    }  # fmt: skip
    for code, (value, _) in shown.items():
        made.active.append([value])
        made.active.cell(made.active.max_row, 1).number_format = code
    assert [text for _, text in rows_of(made)] == [f"Value: {text}" for _, text in shown.values()]


def test_days_since_1904() -> None:
    made = book(["Day"], [datetime.date(2024, 3, 1)])
    made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    assert rows_of(made)[-1] == (2, "Day: 2024-03-01")


def test_truth_and_errors() -> None:
    assert rows_of(book(["Ok", "Bad"], [True, "#N/A"])) == [(2, "Ok: TRUE; Bad: #N/A")]


def shared() -> bytes:
    """A workbook with shared strings, one in several runs, and a formula that is worked out."""
    buffer = io.BytesIO()
    made = xlsxwriter.Workbook(buffer)
    sheet = made.add_worksheet("Budget")
    for row, cells in enumerate((["Port", "Note", "Fee"], ["Aln", "MARK", 1], ["Aln", "", 2])):
        sheet.write_row(row, 0, cells)
    sheet.write_rich_string(2, 1, "two ", made.add_format({"bold": True}), "runs")
    sheet.write_formula(3, 2, "=SUM(C2:C3)", None, 3)
    made.close()
    return buffer.getvalue()


def test_shared_strings_and_formulas_that_are_worked_out() -> None:
    assert spans(parse(shared()))[1:] == [
        "Port: Aln; Note: MARK; Fee: 1",
        "Port: Aln; Note: two runs; Fee: 2",
        "Fee: 3",
    ]


def test_escaped_characters_and_pronunciation_in_shared_strings() -> None:
    def change(text: str) -> str:
        return text.replace("MARK</t>", "a_x000D_b_xD800_c</t><rPh><t>said</t></rPh>")

    data = with_part(shared(), "xl/sharedStrings.xml", change)
    assert spans(parse(data))[1] == "Port: Aln; Note: a bc; Fee: 1"


def test_a_string_that_is_not_there_is_nothing() -> None:
    data = with_part(
        shared(), "xl/worksheets/sheet1.xml", lambda text: text.replace("<v>4</v>", "<v>444</v>")
    )
    assert spans(parse(data))[1] == "Port: Aln; Fee: 1"


def test_formulas_that_nothing_has_worked_out_are_told() -> None:
    parsed = parse(saved(book(["Port", "Fee"], ["Aln", "=1+2"]).save))
    assert spans(parsed)[-1] == "Port: Aln"
    assert parsed.metadata["formulas_without_value"] == 1


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_hidden_sheets_are_left_out(state: str) -> None:
    made = book(["Port", "Fee"], ["Aln", 3])
    secret = made.create_sheet("Secret")
    secret.append(["hidden"])
    secret.sheet_state = state
    assert "hidden" not in parse(saved(made.save)).text


def test_merged_cells_are_said_in_each_row() -> None:
    made = book(["Port", "Year", "Fee"], ["Aln", 2023, 3], [None, 2024, 4], ["Skerrin", 2024, 5])
    made.active.merge_cells("A2:A3")
    assert [text for _, text in rows_of(made)] == [
        "Port: Aln; Year: 2023; Fee: 3",
        "Port: Aln; Year: 2024; Fee: 4",
        "Port: Skerrin; Year: 2024; Fee: 5",
    ]


def test_cells_and_rows_without_references_follow_each_other() -> None:
    data = with_part(
        sample("XLSX"),
        "xl/worksheets/sheet1.xml",
        lambda text: re.sub(r'(<(?:row|c)) r="\w+"', r"\1", text),
    )
    assert spans(parse(data))[1:] == spans(parse(sample("XLSX")))[1:]


def test_as_openpyxl_reads_it() -> None:
    rows: list[list[Any]] = [["Port", "Fee", "Note"]]
    rows += [[f"p{number}", number / 4, f"note {number}"] for number in range(200)]
    data = saved(book(*rows).save)
    sheet: Any = openpyxl.load_workbook(io.BytesIO(data), data_only=True).active
    read = list(sheet.iter_rows(values_only=True))
    expected = [f"Port: {port}; Fee: {fee:g}; Note: {note}" for port, fee, note in read[1:]]
    assert spans(parse(data))[1:] == expected


def test_more_cells_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worksheet, "MOST_CELLS", 10)
    with pytest.raises(DocumentError, match="holds more than 10 cells"):
        parse(saved(book(*[[1, 2, 3]] * 4).save))


def test_one_string_said_over_and_over_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worksheet, "MOST_CELL_CHARACTERS", 10_000)
    with pytest.raises(DocumentError, match="10,000 characters"):
        parse(saved(book(*[["long " * 100]] * 100).save))


def test_a_sheet_as_wide_as_sheets_get() -> None:
    made = book(["Port"], ["Aln"])
    made.active["XFD2"] = "far"
    assert rows_of(made)[-1] == (2, "Aln; far")


def test_binary_workbooks_are_told() -> None:
    data = with_part(
        sample("XLSX"), "_rels/.rels", lambda text: text.replace("workbook.xml", "workbook.bin")
    )
    with pytest.raises(DocumentError, match=r"binary workbook \(.xlsb\); save it as .xlsx"):
        parse(data)


def test_a_sheet_named_twice_is_read_once() -> None:
    def twice(text: str) -> str:
        sheet = text[text.index("<sheet ") : text.index("</sheets>")]
        return text.replace(sheet, sheet + sheet)

    data = with_part(sample("XLSX"), "xl/workbook.xml", twice)
    assert parse(data).metadata["sheets"] == 1


def test_a_part_that_is_no_sheet_is_passed_over() -> None:
    parts = unzipped(sample("XLSX"))
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(
        b"relationships/worksheet", b"relationships/chartsheet"
    )
    assert parse(zipped(parts)).metadata["sheets"] == 0
