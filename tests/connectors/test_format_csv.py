import pytest
from block_law import spans

from rag.connectors.formats.csv import CsvFormat
from rag.errors import DocumentError


def rows(text: str, name: str = "a.csv") -> list[str]:
    parsed = CsvFormat().parse(text.encode(), name)
    assert {block.kind for block in parsed.blocks} <= {"table"}
    assert parsed.text.split("\n") == spans(parsed) or not parsed.text
    return spans(parsed)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_rows_are_sentences_under_their_header(mark: str) -> None:
    table = [["Port", "Fee", "Note"], ["Aln", "3.50", ""], ["Skerrin", "12", "per day"]]
    text = "\n".join(mark.join(row) for row in table)
    assert rows(text) == ["Port: Aln; Fee: 3.50", "Port: Skerrin; Fee: 12; Note: per day"]


@pytest.mark.parametrize("first", ["Aln,3", "Aln,", "Aln,Aln", "2,000"])
def test_a_first_row_of_values_is_no_header(first: str) -> None:
    assert rows(f"{first}\nSkerrin,4\n")[-1] == "Skerrin; 4"


def test_quoted_cells_empty_rows_and_ragged_rows() -> None:
    text = 'Port,Fee\n"Aln, old",""\n,,\n\n"two\nlines",1,extra\n"say ""hi""",2\n'
    assert rows(text) == [
        "Port: Aln, old",
        "Port: two lines; Fee: 1; extra",
        'Port: say "hi"; Fee: 2',
    ]


def test_tsv_is_parted_by_tabs() -> None:
    assert rows("Port\tFee\nAln, old\t3\n", "a.TSV") == ["Port: Aln, old; Fee: 3"]


def test_a_single_column_and_a_single_row() -> None:
    assert rows("Port\nAln\nSkerrin\n") == ["Port: Aln", "Port: Skerrin"]
    assert rows("Port,Fee\n") == ["Port; Fee"]


def test_huge_fields_are_read() -> None:
    assert len(rows("Name,Text\nx," + "word " * 200_000 + "\n")[0]) > 900_000


def test_an_open_quote_crashes_nothing() -> None:
    assert rows('a,b\n"never closed,1\n2,3\n') == ["a: never closed,1 2,3"]


@pytest.mark.timeout(10)
def test_quotes_that_part_nothing_cost_no_time() -> None:
    assert rows("id,|ext\n" + '!!1,"a\nb,|ext\n' * 400)


def test_the_mark_that_parts_all_rows_alike() -> None:
    assert rows("Fee;Note\n1,5;a, b\n2,5;c\n") == ["Fee: 1,5; Note: a, b", "Fee: 2,5; Note: c"]
    assert rows("Ports\n\nPort|Fee\nAln|1,5\n")[-1] == "Port: Aln; Fee: 1,5"


def test_binary_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"is not CSV although .* zip"):
        CsvFormat().parse(b"PK\x03\x04", "a.csv")
