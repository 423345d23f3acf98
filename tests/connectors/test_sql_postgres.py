"""Rows of a database, on a real PostgreSQL server."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PASSWORD, Server, postgres

from rag.connectors.sql import SqlConnector
from rag.errors import SourceError
from rag.protocols import Connector
from rag.testing import ConnectorSuite
from rag.types import Failure, Item

KEEP = "SELECT n AS id, 'text ' || n AS text FROM generate_series(1, {}) AS n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        running.run(
            "CREATE TABLE notes (id uuid PRIMARY KEY, title text, body text, price numeric,"
            " rate numeric, made timestamptz, day date, tags text[], more jsonb, seal bytea,"
            " ok bool)",
            "INSERT INTO notes VALUES ('00000000-0000-0000-0000-000000000001', 'Fees', 'Lamp oil',"
            " 12.50, 0.1234567890123456789, '2026-01-02T03:04:05Z', '2026-01-02',"
            " '{a,b}', '{\"k\": {\"l\": 1}, \"m\": [1, 2]}', 'x', true)",
            "INSERT INTO notes (id, body) VALUES ('00000000-0000-0000-0000-000000000002', NULL)",
            "INSERT INTO notes (id, body) VALUES ('00000000-0000-0000-0000-000000000003', '100%')",
        )
        yield running


def connect(server: Server, query: str, **options: Any) -> SqlConnector:
    return SqlConnector(url=server.url(), query=query, name="notes", **options)


def refused(url: str, query: str = "SELECT 1 AS id, 'x' AS text") -> str:
    with pytest.raises(SourceError) as caught:
        list(SqlConnector(url=url, query=query).items())
    message = str(caught.value)
    assert "\n" not in message and PASSWORD not in message and "s3cret" not in message
    return message


class TestSqlConnectorPostgres(ConnectorSuite):
    @pytest.fixture(autouse=True)
    def _server(self, server: Server) -> None:
        self.server = server

    def make(self, folder: Path) -> Connector:
        return connect(self.server, "SELECT * FROM notes ORDER BY id", text="body")


def test_values_of_every_kind(server: Server) -> None:
    connector = connect(server, "SELECT * FROM notes ORDER BY id", text="body")
    item = next(iter(connector.items()))
    assert isinstance(item, Item)
    document = item.load()
    assert document.id == "sql:notes#00000000-0000-0000-0000-000000000001"
    made = str(document.metadata["made"])
    assert made.startswith("2026-01-0") and "T" in made
    assert {**document.metadata, "made": ""} == {
        "price": 12.5, "rate": "0.1234567890123456789", "made": "", "day": "2026-01-02",
        "tags": "a, b", "more.k.l": 1, "more.m": "1, 2", "ok": True,
    }  # fmt: skip


def test_percent_signs_and_colons_are_left_alone(server: Server) -> None:
    query = "SELECT id::text, body AS text FROM notes WHERE body LIKE '%0%%' AND ':a' <> '%s'"
    (item,) = connect(server, query).items()
    assert isinstance(item, Item) and item.load().text == "100%"


def test_rows_are_streamed_in_bounded_memory(server: Server) -> None:
    # Twenty million rows would be gigabytes here, and take the server minutes.
    listed = connect(server, KEEP.format(20_000_000)).items()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(1, 20_001):
        item = next(listed)
        assert isinstance(item, Item) and item.id == f"sql:notes#{number}"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000  # KiB
    listed.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO notes (id) VALUES (gen_random_uuid()) RETURNING id, 'x' AS text",
        "WITH w AS (DELETE FROM notes RETURNING id) SELECT id, 'x' AS text FROM w",
        "SELECT setval('steps', 5) AS id, 'x' AS text",
    ],
)
def test_nothing_can_be_written(server: Server, query: str) -> None:
    server.run("CREATE SEQUENCE IF NOT EXISTS steps")
    told = refused(server.url(), query)
    assert any(word in told for word in ("read-only", "syntax error", "data-modifying"))
    with server.connect() as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (3,)
        assert connection.execute("SELECT last_value FROM steps").fetchone() == (1,)


def test_what_is_wrong_is_one_line_without_the_password(server: Server) -> None:
    assert "password authentication failed" in refused(server.url("s3cret but wrong"))
    assert 'database "nowhere" does not exist' in refused(server.url(database="nowhere"))
    assert 'relation "nope" does not exist' in refused(server.url(), "SELECT * FROM nope")
    assert "no column 'text', but 'id'" in refused(server.url(), "SELECT 1 AS id")


def test_a_connection_lost_halfway_removes_nothing(server: Server) -> None:
    connector = connect(server, KEEP.format(100_000))
    listed = connector.items()
    first = next(listed)
    server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^FETCH'")
    rest = list(listed)
    assert isinstance(first, Item) and isinstance(rest[-1], Failure)
    assert "listing ended after" in rest[-1].error and "\n" not in rest[-1].error
    assert "s3cret" not in rest[-1].error
    assert len(rest) < 10_000
    assert connector.covers(first.source) and not connector.covers("sql:notes#99999")
    # The next listing is whole again.
    assert len(list(connect(server, KEEP.format(3)).items())) == 3
