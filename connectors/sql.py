"""Rows of a database as documents: any database of SQLAlchemy, and one query."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from rag.connectors.names import printable
from rag.connectors.rows.database import Database
from rag.connectors.rows.fields import Fields, as_names, listed, taken_twice
from rag.connectors.rows.row import Row
from rag.connectors.rows.statement import one_statement
from rag.connectors.scope import Scope
from rag.errors import DocumentError, SourceError
from rag.types import Failure, Item

_DRIVERS: Mapping[str, tuple[str, ...]] = {
    "postgresql": ("psycopg", "psycopg2", "pg8000"),
    "sqlite": ("pysqlite",),
    "mysql": ("pymysql", "mysqldb", "mysqlconnector"),
    "mariadb": ("pymysql", "mysqldb", "mysqlconnector", "mariadbconnector"),
    "mssql": ("pymssql", "pyodbc"),
    "oracle": ("oracledb", "cx_oracle"),
}
_NO_QUERY = (
    "a database needs a query, and so more than its URL; "
    'write {use: sql, url: "...", query: "SELECT id, title, text FROM ..."}'
)


class SqlConnector:
    """Every row that `query` gives is a document, named `sql:NAME#ID`.

    `id`, `text` (one column or several), `title` and `version` name columns; all others are
    metadata, as far as they are plain values. A row whose `version`, such as `updated_at`, is as
    before is not looked at further; without it all of the row is compared. `name` is what
    the sources are called: without it the URL, less user, password and options, and a hash of
    the query, so that another query makes other sources. The transaction is read-only where the
    database has such. `skipped` counts, after `items()`, the values of bytes left out.

    Raises SourceError for a URL or a query that cannot be one, and, from `items()`, where the
    database cannot be reached or refuses the query.
    """

    schemes: ClassVar[tuple[str, ...]] = tuple(
        scheme
        for kind, drivers in _DRIVERS.items()
        for scheme in (kind, *(f"{kind}+{driver}" for driver in drivers))
    )
    shorthand: ClassVar[str] = "url"
    given: ClassVar[frozenset[str]] = frozenset({"base"})

    def __init__(
        self,
        *,
        url: str,
        query: str = "",
        id: str = "id",  # noqa: A002 - the option's name in a pipeline file
        text: str | Sequence[str] = "text",
        title: str = "title",
        version: str = "",
        name: str = "",
        base: Path | None = None,
    ) -> None:
        if not query.strip():
            raise SourceError(_NO_QUERY)
        self._query = one_statement(query)
        self._database = Database.at(url)
        self._fields = Fields(as_names(text), id, title, version)
        self._scope = Scope("sql", printable(name) or self._own_name(base))
        self.skipped: Counter[str] = Counter()

    @classmethod
    def faults(cls, options: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """What is wrong with options that are each of the right type."""
        if not str(options["query"]).strip():
            yield "query", _NO_QUERY

    def items(self) -> Iterator[Item | Failure]:
        """Every row in the order in which the database gives them."""
        self.skipped = Counter()
        self._scope.begin()
        number = 0
        try:
            with self._database.run(self._query) as (columns, rows):
                self._check(columns)
                for number, row in enumerate(rows, start=1):
                    yield self._step(number, row)
        except SourceError as error:
            if not number:
                raise
            told = f"listing ended after {number:,} rows: {error}; run again"
            yield Failure(self._scope.place("listing"), told)
            return
        self._scope.end()

    def covers(self, source: str) -> bool:
        """Whether `source` is a row of this query, of those listed if the listing ended early."""
        return self._scope.covers(source)

    def _own_name(self, base: Path | None) -> str:
        digest = hashlib.blake2b(self._query.encode("utf-8", "replace"), digest_size=4)
        return f"{self._database.name(base)}~{digest.hexdigest()}"

    def _check(self, columns: list[str]) -> None:
        twice = [name for name, times in Counter(columns).items() if times > 1]
        if twice:
            raise SourceError(f"the query gives column {listed(twice)} twice; name one with AS")
        missing = [name for name in self._fields.named if name not in columns]
        if missing:
            raise SourceError(
                f"the query gives no column {listed(missing)}, but {listed(columns)}; "
                "rename one with AS, or set the options 'id', 'text', 'title', 'version'"
            )

    def _step(self, number: int, row: Row) -> Item | Failure:
        source = self._scope.place(f"row {number}")
        try:
            key = self._fields.key(row)
            name = self._scope.take(key)
            if name is None:
                return Failure(source, taken_twice("row", key))
            source = name
            return self._item(row, source)
        except DocumentError as error:
            return Failure(source, str(error))

    def _item(self, row: Row, source: str) -> Item:
        self.skipped.update(f"bytes in {name}" for name in self._fields.binary(row))
        stamp = self._fields.stamp(row)
        if stamp is not None:
            return Item(source, source, stamp, partial(self._fields.document, row, source))
        document = self._fields.document(row, source)
        return Item(source, source, document.content_hash, lambda: document)
