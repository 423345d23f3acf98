"""JSON Lines: each line is a record of its own, and a bad one does not spoil the others."""

from __future__ import annotations

from rag.connectors.formats.building.records import Records
from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.json import loaded
from rag.errors import DocumentError
from rag.types import Metadata


class JsonLinesFormat:
    """JSON Lines: a record for each line; lines that are no JSON are counted and left out."""

    name = "JSONL"
    extensions: tuple[str, ...] = (".jsonl", ".ndjson", ".jsonlines")
    media_types: tuple[str, ...] = (
        "application/x-ndjson",
        "application/jsonl",
        "application/jsonlines",
    )
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """One block for each record, its row the number of its line, long ones cut.

        Raises DocumentError where no line can be read.
        """
        decoded = decode(data, self.name)
        records = Records()
        bad: list[str] = []
        read = 0
        for number, line in enumerate(decoded.text.split("\n"), start=1):
            if line.strip():
                error = _write(records, line, number)
                bad += [f"line {number} {error}"] if error else []
                read += not error
        if bad and not read:
            raise DocumentError(f"has no line that can be read: {bad[0]}")
        unreadable: Metadata = {"unreadable_lines": len(bad)} if bad else {}
        writer = records.writer
        return Parsed(
            writer.text, blocks=writer.blocks, metadata={**decoded.metadata, **unreadable}
        )


def _write(records: Records, line: str, number: int) -> str:
    """Write a record; what is wrong with it, or ""."""
    try:
        records.row(loaded(line), number)
    except DocumentError as error:
        return str(error)
    return ""
