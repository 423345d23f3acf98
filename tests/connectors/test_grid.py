from __future__ import annotations

from rag.connectors.formats.zipped.grid import LONGEST_SAID_AGAIN, MOST_COLUMNS, WIDEST_SPAN, Grid


def test_a_span_keeps_what_follows_in_its_column() -> None:
    grid = Grid()
    for text, columns in (("a", 1), ("b", 2), ("c", 1)):
        grid.cell(text, columns)
    grid.end_row()
    assert grid.text == "a | b |  | c"


def test_rows_that_a_cell_spans_say_it_again_and_no_others() -> None:
    grid = Grid()
    grid.cell("Aln", rows=2)
    grid.cell("1")
    grid.end_row()
    for count in ("2", "3"):
        grid.covered()
        grid.cell(count)
        grid.end_row()
    assert grid.text == "Aln | 1\nAln | 2\n | 3"


def test_what_goes_on_from_nothing_is_nothing() -> None:
    grid = Grid()
    grid.again()
    grid.cell("a")
    grid.end_row()
    assert grid.text == " | a"


def test_rows_that_hold_nothing_are_left_out() -> None:
    grid = Grid()
    for text in ("a", "", "b"):
        grid.cell(text)
        grid.end_row()
    assert grid.text == "a\nb"


def test_what_a_file_claims_makes_no_table_without_end() -> None:
    grid = Grid()
    grid.cell("x" * (LONGEST_SAID_AGAIN + 1))
    grid.cell("wide", 10**9)
    grid.end_row()
    grid.again()
    grid.cell("y")
    grid.end_row()
    first, second = grid.text.split("\n")
    assert first.count("|") == WIDEST_SPAN
    assert second == " | y"
    for _ in range(100_000):
        grid.cell("z", WIDEST_SPAN)
    grid.end_row()
    assert grid.text.split("\n")[2].count("|") < MOST_COLUMNS + WIDEST_SPAN
