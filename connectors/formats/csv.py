"""Tables as comma-, semicolon-, tab- or bar-separated values: every row becomes a sentence."""

from __future__ import annotations

import csv
import io
from collections import Counter
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
    version = 4

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
    return max(_DELIMITERS, key=lambda mark: _fit(sample, mark))


def _fit(sample: str, mark: str) -> tuple[float, int, int]:
    """How well `mark` parts a sample into rows of one width: the larger, the better.

    It is the share of the rows that have the commonest width above one, that width, and how
    often the mark stands in the first line. The standard library's `csv.Sniffer` looks for
    quotes with expressions that take hours for some files of a few lines.
    """
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=mark)
    widths = [len(row) for row in reader if row]
    parted = Counter(width for width in widths if width > 1).most_common(1)
    in_first = sample.split("\n", 1)[0].count(mark)
    return (parted[0][1] / len(widths), parted[0][0], in_first) if parted else (0.0, 0, in_first)


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    """The rows that hold anything, numbered from 1, white space within a cell collapsed."""
    # The module keeps one limit for the whole process; it only ever grows here.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for number, row in enumerate(reader, start=1):
        cells = (" ".join(cell.split()) for cell in row)
        if filled := {column: cell for column, cell in enumerate(cells) if cell}:
            yield number, filled
