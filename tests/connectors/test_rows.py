from __future__ import annotations

import pytest

from rag.connectors.formats.building import rows
from rag.connectors.formats.building.rows import sentences
from rag.errors import DocumentError


def read(*table: list[str]) -> list[str]:
    numbered = (
        (number, {column: cell for column, cell in enumerate(cells) if cell})
        for number, cells in enumerate(table, start=1)
    )
    return [sentence for _, sentence in sentences(row for row in numbered if row[1])]


def test_a_title_and_a_note_stand_above_the_header() -> None:
    table = [["Budget"], ["in euros"], ["Port", "Fee", "Note"], ["Aln", "3", "x"]]
    assert read(*table) == ["Budget", "in euros", "Port: Aln; Fee: 3; Note: x"]


def test_a_header_of_two_columns_below_a_title_needs_figures() -> None:
    assert read(["Fees"], ["Port", "Fee"], ["Aln", "3"]) == ["Fees", "Port: Aln; Fee: 3"]
    assert read(["Notes"], ["a", "b"], ["c", "d"]) == ["Notes", "a; b", "c; d"]


def test_rows_of_like_width_above_a_row_of_words_are_no_title() -> None:
    table = [["Aln", "3"], ["Skerrin", "four"], ["Ness", "5"]]
    assert read(*table) == ["Aln; 3", "Skerrin; four", "Ness; 5"]


def test_years_in_order_are_names() -> None:
    assert read(["Port", "2022", "2023"], ["Aln", "3", "4"]) == ["Port: Aln; 2022: 3; 2023: 4"]
    assert read(["", "2023", "2022"], ["Aln", "3", "4"]) == ["Aln; 2023: 3; 2022: 4"]
    assert read(["Aln", "2022"], ["Skerrin", "1999"]) == ["Aln; 2022", "Skerrin; 1999"]
    assert read(["Aln", "2022", "2031", "2025"], ["B", "1", "2", "3"])[0] == "Aln; 2022; 2031; 2025"


def test_names_that_are_alike_are_told_apart_by_their_group() -> None:
    table = [
        ["", "2023", "", "2024", ""],
        ["Port", "Fee", "Tax", "Fee", "Tax"],
        ["Aln", "1", "2", "3", "4"],
    ]
    named = "Port: Aln; 2023 Fee: 1; 2023 Tax: 2; 2024 Fee: 3; 2024 Tax: 4"
    assert read(*table) == ["2023; 2024", named]


def test_prices_dates_and_shares_are_no_names() -> None:
    for value in ("€3.50", "3,50 €", "$1,000", "12 %", "-4", "(5.0)", "2024-03-01", "1/2/2024"):
        assert read(["Aln", value], ["Skerrin", "x"]) == [f"Aln; {value}", "Skerrin; x"]


def test_a_long_text_is_no_name() -> None:
    assert read(["x" * 400, "y"], ["a", "b"])[0].startswith("xxx")


def test_numbers_of_a_million_digits_take_no_time() -> None:
    assert len(read(["1" * 1_000_000 + "x", "b"], ["c", "d"])) == 2


def test_names_said_over_and_over_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_CHARACTERS", 1000)
    with pytest.raises(DocumentError, match="holds more than 1,000 characters; split it"):
        read(["name " * 20, "b"], *[["x", "y"]] * 100)
