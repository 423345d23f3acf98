"""The fields of an index's documents: their own columns, and the keys of their metadata.

Values are read a field at a time, when a filter first asks for it, and are kept with the published
state: to read one costs a pass over all documents, to compare a hundred thousand milliseconds.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from rag.errors import IndexDamagedError
from rag.filters import OWN_FIELDS
from rag.protocols import Ids
from rag.types import Scalar

Kind: TypeAlias = Literal["text", "number", "boolean"]
Value: TypeAlias = tuple[int, str, object]

# Values of all fields that are kept; each takes about a hundred bytes where it differs.
_MOST_KEPT = 1_000_000
# Types as SQLite names those of JSON.
_KINDS: dict[str, Kind] = {
    "text": "text", "integer": "number", "real": "number", "true": "boolean", "false": "boolean",
}  # fmt: skip
_FORMS: dict[Kind, str] = {"text": "text", "number": "real", "boolean": "true"}
_NO_JSON = "malformed JSON"


@dataclass(slots=True)
class Column:
    """The values of one field by kind, and the rows of their documents."""

    rows: dict[Kind, list[int]] = field(default_factory=dict)
    values: dict[Kind, list[Scalar]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.rows.values())

    def add(self, kind: Kind, rows: Sequence[int], values: Sequence[Scalar]) -> None:
        """Documents in `rows` have `values`, in the same order."""
        if kind == "boolean":
            values = [bool(value) for value in values]
        if kind == "text":
            # Equal texts are kept once; 1 and 1.0 are equal too, and read differently.
            same: dict[Scalar, Scalar] = {}
            values = [same.setdefault(value, value) for value in values]
        self.rows.setdefault(kind, []).extend(rows)
        self.values.setdefault(kind, []).extend(values)


class Fields:
    """The fields of one published state, read when they are first asked for."""

    def __init__(self) -> None:
        self._columns: dict[str, Column] = {}
        self._names: list[str] | None = None
        self._rows: Ids | None = None

    def rows(self, connection: sqlite3.Connection) -> Ids:
        """The row of every document, ascending."""
        if self._rows is None:
            # Unordered an index of the table will do, which is read much faster.
            found = connection.execute("SELECT row FROM documents")
            self._rows = np.sort(np.array([row for (row,) in found], np.int64))
        return self._rows

    def exist(self, connection: sqlite3.Connection) -> bool:
        """Whether there is any document."""
        return connection.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is not None

    def names(self, connection: sqlite3.Connection) -> list[str]:
        """What filters can name: the documents' own fields, then the metadata's, sorted."""
        if self._names is None:
            told = _keys(connection) - {*OWN_FIELDS}
            self._names = [*OWN_FIELDS, *sorted(told)]
        return self._names

    def columns(self, connection: sqlite3.Connection, keys: Iterable[str]) -> dict[str, Column]:
        """The values of fields; those that no document has are empty."""
        known = dict(self._columns)
        read = {key: _read(connection, key) for key in {*keys} - {*known}}
        if sum(map(len, (known | read).values())) <= _MOST_KEPT:
            self._columns = known | read
        else:
            self._columns = {}
        return known | read


def kind_of(value: Scalar) -> Kind:
    """Which kind a value is of: true and false are no numbers here."""
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def _read(connection: sqlite3.Connection, key: str) -> Column:
    column = Column()
    if key in OWN_FIELDS:
        found = connection.execute(f"SELECT row, {key} FROM documents").fetchall()
        column.add("text", [row for row, _ in found], [value for _, value in found])
        return column
    parts: dict[str, tuple[list[int], list[Scalar]]] = defaultdict(lambda: ([], []))
    for row, form, value in _values(connection, key):
        rows, values = parts[form]
        rows.append(row)
        values.append(value)
    for form, (rows, values) in parts.items():
        if kind := _KINDS.get(form):
            column.add(kind, rows, values)
    return column


def _values(connection: sqlite3.Connection, key: str) -> Iterable[tuple[int, str, Scalar]]:
    """Row, JSON type and value of each entry under a key."""
    # JSON, as half of a surrogate pair cannot be handed over.
    sql = (
        "SELECT d.row, j.type, j.value FROM documents d, json_each(d.metadata) j "
        "WHERE j.key = json_extract(?, '$')"
    )
    try:
        return connection.execute(sql, [json.dumps(key)]).fetchall()
    except sqlite3.OperationalError as error:
        if _NO_JSON not in str(error):
            raise
    return [
        (row, _FORMS[kind_of(metadata[key])], metadata[key])
        for row, metadata in _parsed(connection)
        if isinstance(metadata.get(key), str | int | float)
    ]


def _keys(connection: sqlite3.Connection) -> set[str]:
    """Every key of any document's metadata."""
    sql = "SELECT DISTINCT j.key FROM documents d, json_each(d.metadata) j"
    try:
        return {key for (key,) in connection.execute(sql)}
    except sqlite3.OperationalError as error:
        if _NO_JSON not in str(error):
            raise
    return {key for _, metadata in _parsed(connection) for key in metadata}


def _parsed(connection: sqlite3.Connection) -> Iterator[tuple[int, dict[str, Scalar]]]:
    """Row and metadata of each document, several times slower than SQLite.

    It takes no record with a number that is none (NaN) for JSON.
    """
    for row, metadata in connection.execute("SELECT row, metadata FROM documents"):
        try:
            yield row, json.loads(metadata)
        except ValueError as error:
            raise IndexDamagedError(
                f"a record in the index is damaged ({error}): restore the index from a backup, or "
                "index again with 'rag index --rebuild'"
            ) from error
