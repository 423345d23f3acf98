"""Running a query on a database: read-only, streamed, and with errors of one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rag.connectors.formats.decoding import clean
from rag.connectors.names import absolute, printable, source_name
from rag.connectors.rows.row import Row
from rag.errors import MissingExtraError, SourceError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.engine import CursorResult

_ROWS_AT_ONCE = 100
_CONNECT_SECONDS = 10
# The driver that is taken where the URL names none, and the package that has it.
_DRIVERS = {
    "postgresql": ("psycopg", "psycopg[binary]"),
    "mysql": ("pymysql", "pymysql"),
    "mariadb": ("pymysql", "pymysql"),
    "mssql": ("pymssql", "pymssql"),
    "oracle": ("oracledb", "oracledb"),
}
# SQLite is opened read-only by its URL; SQL Server knows no such transaction.
_READ_ONLY = {
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}
_SECRET = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Database:
    """A database by its SQLAlchemy URL. Raises SourceError where that is none."""

    url: URL

    @classmethod
    def at(cls, url: str) -> Database:
        """The database at `url`, with its driver filled in."""
        try:
            from sqlalchemy import make_url
            from sqlalchemy.exc import ArgumentError
        except ImportError as error:
            raise MissingExtraError("reading a database", "sql") from error
        try:
            made = make_url(url)
        except (ArgumentError, ValueError):
            raise SourceError(
                "'url' is no database URL; it looks like postgresql://user@host/database "
                "or sqlite:///notes.db"
            ) from None
        driver = _DRIVERS.get(made.drivername)
        return cls(made.set(drivername=f"{made.drivername}+{driver[0]}") if driver else made)

    def name(self, base: Path | None) -> str:
        """The URL without what is secret: neither user, password nor options."""
        kind = self.url.get_backend_name()
        if kind == "sqlite":
            file = self.url.database
            return f"sqlite:///{source_name(file, base)}" if file else "sqlite://"
        port = f":{self.url.port}" if self.url.port else ""
        return printable(f"{kind}://{self.url.host or ''}{port}/{self.url.database or ''}")

    @contextmanager
    def run(self, query: str) -> Iterator[tuple[list[str], Iterator[Row]]]:
        """Run one statement: the names of its columns, and its rows as they come.

        Whatever goes wrong, now or on the way through the rows, is a SourceError.
        """
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        engine = self._engine()
        try:
            with engine.connect() as connection, self._execute(connection, query) as result:
                yield list(result.keys()), _rows(result)
        except (SQLAlchemyError, OSError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise SourceError(self._told(str(cause))) from None
        finally:
            engine.dispose()

    def _engine(self) -> Engine:
        from sqlalchemy import NullPool, create_engine
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError

        try:
            if self.url.get_dialect().is_async:
                raise SourceError(
                    f"'{self.url.drivername}' is an asynchronous driver; "
                    f"write {self.url.get_backend_name()}://... without it"
                )
            timeout = {"connect_timeout": _CONNECT_SECONDS} if self._has_timeout() else {}
            engine = create_engine(self._read_only_url(), poolclass=NullPool, connect_args=timeout)
        except NoSuchModuleError:
            raise SourceError(
                f"no driver '{self.url.drivername}' is known for databases; "
                "write, for example, postgresql://, mysql://, sqlite:///"
            ) from None
        except ImportError as error:
            raise SourceError(self._driver_missing(error)) from None
        except ArgumentError as error:
            raise SourceError(self._told(str(error))) from None
        return engine

    def _has_timeout(self) -> bool:
        waits = self.url.get_driver_name() in {"psycopg", "psycopg2", "pymysql"}
        return waits and "connect_timeout" not in self.url.query

    def _read_only_url(self) -> URL:
        file = self.url.database
        if self.url.get_backend_name() != "sqlite" or not file or file.startswith(("file:", ":")):
            return self.url
        if not Path(file).exists():
            raise SourceError(f"no such database file: '{printable(file)}'; check the spelling")
        # Otherwise SQLite would make what is not there, and wait for locks to write.
        location = f"file:{quote(str(absolute(file)))}"
        return self.url.set(
            database=location, query={**self.url.query, "mode": "ro", "uri": "true"}
        )

    def _execute(self, connection: Connection, query: str) -> CursorResult[object]:
        kind = self.url.get_backend_name()
        if kind == "sqlite":
            raw: Any = connection.connection.dbapi_connection
            # One row with broken text would otherwise end the listing.
            raw.text_factory = lambda data: data.decode("utf-8", "replace")
            connection.exec_driver_sql("PRAGMA query_only = ON")
        elif kind in _READ_ONLY:
            connection.exec_driver_sql(_READ_ONLY[kind])
        # Without parameters, so that a % in the query stays one.
        streamed = connection.execution_options(no_parameters=True, yield_per=_ROWS_AT_ONCE)
        result = streamed.exec_driver_sql(query)
        if not result.returns_rows:
            raise SourceError("the query gives no rows; give a SELECT")
        return result

    def _driver_missing(self, error: ImportError) -> str:
        _, package = _DRIVERS.get(self.url.get_backend_name(), ("", str(error.name or "")))
        driver = self.url.get_driver_name()
        named = package if package.startswith(driver) else driver
        return (
            f"'{self.url.drivername}' needs the driver {driver}, which is not installed: "
            f"pip install '{named}'"
        )

    def _told(self, text: str) -> str:
        """What the database says, on one line and without secrets."""
        line = " ".join(clean(text).split())
        for secret in self._secrets():
            line = line.replace(secret, "***").replace(quote(secret), "***")
        return f"the database says: {line}"

    def _secrets(self) -> list[str]:
        given = [str(self.url.password)] if self.url.password else []
        options = self.url.query.items()
        return given + [str(value) for key, value in options if _SECRET.search(key) and value]


def _rows(result: CursorResult[Any]) -> Iterator[Row]:
    columns = list(result.keys())
    for row in result:
        yield dict(zip(columns, row, strict=True))
