"""Parquet files, read a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rag.connectors.rows.fields import not_among
from rag.connectors.rows.row import BadRow, Numbered
from rag.errors import MissingExtraError

_ROWS_AT_ONCE = 100
_BUFFER = 1 << 16


def parquet(
    path: Path, needed: Sequence[str], fields: Sequence[str] | None
) -> Iterator[Numbered | BadRow]:
    """The rows, numbered from 1; of their columns, those that `fields` are in, or all.

    There must be columns for the `needed` fields. Raises MissingExtraError without pyarrow.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError("reading Parquet files", "parquet") from error

    number = 0
    try:
        with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
            names = file.schema_arrow.names
            if fault := not_among(names, needed):
                yield BadRow("columns", f"the file {fault}")
                return
            columns = _columns(names, fields)
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=columns, use_threads=False):
                for row in batch.to_pylist():
                    number += 1
                    yield Numbered(number, row)
    except (pa.ArrowException, OSError, ValueError) as error:
        told = " ".join(str(error).split())
        yield BadRow(f"row {number + 1}", f"is not Parquet that can be read: {told}")


def _columns(names: Sequence[str], fields: Sequence[str] | None) -> list[str] | None:
    if fields is None:
        return None
    wanted = {field for name in fields for field in (name, name.partition(".")[0])}
    return [name for name in names if name in wanted]
