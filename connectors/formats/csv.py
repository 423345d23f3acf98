"""Tables as comma-, semicolon-, tab- or bar-separated values: every row becomes a sentence."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from rag.connectors.formats.blocks import Writer
from rag.connectors.formats.building.rows import Row, sentences
from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed

_DELIMITERS = ",;\t|"
_SAMPLE = 8192


class CsvFormat:
    """Separated values. A row heads the columns where its cells read like names."""

    name = "CSV"
    extensions: tuple[str, ...] = (".csv", ".tsv")
    media_types: tuple[str, ...] = ("text/csv", "text/tab-separated-values")
    version = 3

    def parse(self, data: bytes, name: str) -> Parsed:
        """One line and one block for each row: `Column: value; Column: value`."""
        decoded = decode(data, self.name)
        writer = Writer(gap="\n")
        for row, sentence in sentences(_rows(decoded.text, delimiter(decoded.text, name))):
            writer.add(sentence, "table", row=row)
        return Parsed(writer.text, blocks=writer.blocks, metadata=decoded.metadata)


def delimiter(text: str, name: str) -> str:
    """The mark that parts the cells of `text`, found in its beginning; a .tsv file has tabs."""
    if name.lower().endswith(".tsv"):
        return "\t"
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    try:
        return csv.Sniffer().sniff(sample, _DELIMITERS).delimiter
    except csv.Error:  # a single column, or rows too unlike each other to tell
        return max(_DELIMITERS, key=text.split("\n", 1)[0].count)


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    """The rows that hold anything, numbered from 1, white space within a cell collapsed."""
    # The module keeps one limit for the whole process; it only ever grows here.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for number, row in enumerate(reader, start=1):
        cells = (" ".join(cell.split()) for cell in row)
        if filled := {column: cell for column, cell in enumerate(cells) if cell}:
            yield number, filled
