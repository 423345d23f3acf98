"""Tables as comma-, semicolon-, tab- or bar-separated values: every row becomes a sentence."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from typing import TypeAlias

from rag.connectors.formats.blocks import Writer
from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed

_Row: TypeAlias = tuple[int, list[str]]
_Sentence: TypeAlias = tuple[int, str]

_DELIMITERS = ",;\t|"
_SAMPLE = 8192
_NUMBER = re.compile(r"[-+]?[\d.,\s]*\d[\d.,\s]*%?")


class CsvFormat:
    """Separated values. The first row heads the columns where its cells read like names."""

    name = "CSV"
    extensions: tuple[str, ...] = (".csv", ".tsv")
    media_types: tuple[str, ...] = ("text/csv", "text/tab-separated-values")
    version = 2

    def parse(self, data: bytes, name: str) -> Parsed:
        """One line and one block for each row: `Column: value; Column: value`."""
        decoded = decode(data, self.name)
        writer = Writer(gap="\n")
        for row, sentence in _sentences(_rows(decoded.text, _delimiter(decoded.text, name))):
            writer.add(sentence, "table", row=row)
        return Parsed(writer.text, blocks=writer.blocks, metadata=decoded.metadata)


def _delimiter(text: str, name: str) -> str:
    if name.lower().endswith(".tsv"):
        return "\t"
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    try:
        return csv.Sniffer().sniff(sample, _DELIMITERS).delimiter
    except csv.Error:  # a single column, or rows too unlike each other to tell
        return max(_DELIMITERS, key=text.split("\n", 1)[0].count)


def _rows(text: str, delimiter: str) -> Iterator[_Row]:
    """The rows that hold anything, numbered from 1, white space within a cell collapsed."""
    # The module keeps one limit for the whole process; it only ever grows here.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for number, row in enumerate(reader, start=1):
        cells = [" ".join(cell.split()) for cell in row]
        if any(cells):
            yield number, cells


def _sentences(rows: Iterator[_Row]) -> Iterator[_Sentence]:
    """Each row under the head of the table, with its number as a spreadsheet shows it."""
    two = list(islice(rows, 2))
    head: list[str] = []
    if len(two) == 2 and _is_header(two[0][1]):
        head = two.pop(0)[1]
    for number, row in chain(two, rows):
        yield number, _sentence(head, row)


def _sentence(head: list[str], row: list[str]) -> str:
    # A cell beyond the last column has no name, and a column without a cell no value.
    pairs = zip_longest(head, row, fillvalue="")
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


def _is_header(row: list[str]) -> bool:
    names = all(row) and not any(_NUMBER.fullmatch(cell) for cell in row)
    return names and len(set(row)) == len(row)
