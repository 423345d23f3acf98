"""Rows of a database, on SQLite."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from rag import registry
from rag.connectors.rows.statement import one_statement
from rag.connectors.sql import SqlConnector
from rag.errors import DocumentError, RequestError, SourceError
from rag.protocols import Connector
from rag.sources import open_sources
from rag.testing import ConnectorSuite
from rag.types import Failure, Item

TABLE = "CREATE TABLE notes (id, title, text, author, price, made, seal, changed)"


def database(folder: Path, *rows: tuple[object, ...]) -> str:
    path = folder / "notes.db"
    with sqlite3.connect(path) as connection:
        connection.execute(TABLE)
        filled = [(*row, *[None] * (8 - len(row))) for row in rows]
        connection.executemany("INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", filled)
    connection.close()
    return f"sqlite:///{path}"


def change(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "notes.db") as connection:
        connection.execute(statement)
    connection.close()


def notes(folder: Path, url: str, query: str = "SELECT * FROM notes", **more: Any) -> SqlConnector:
    return SqlConnector(url=url, query=query, name="notes", base=folder, **more)


def items(connector: Connector) -> list[Item]:
    return [one for one in connector.items() if isinstance(one, Item)]


def failures(connector: Connector) -> dict[str, str]:
    return {one.source: one.error for one in connector.items() if isinstance(one, Failure)}


def refused(url: str, query: str = "SELECT 1 AS id, 'x' AS text", **options: Any) -> str:
    with pytest.raises(SourceError) as caught:
        list(SqlConnector(url=url, query=query, **options).items())
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestSqlConnector(ConnectorSuite):
    def make(self, folder: Path) -> Connector:
        rows = [(1, "A", "one"), (2, "B", "two\n\nand more"), (2, "C", "again"), (4, "D", None)]
        return notes(folder, database(folder, *rows))


def test_a_row_is_a_document(tmp_path: Path) -> None:
    url = database(tmp_path, (7, "Port\nfees", "Lamp\n\noil", "Ann", 1.5, "2026-01-02", b"x"))
    connector = notes(tmp_path, url)
    document = items(connector)[0].load()
    assert (document.id, document.source) == ("sql:notes#7",) * 2
    assert (document.title, document.text) == ("Port fees", "Lamp\n\noil")
    assert [(b.start, b.end) for b in document.blocks] == [(0, 4), (6, 9)]
    assert document.metadata == {"author": "Ann", "price": 1.5, "made": "2026-01-02"}
    assert connector.skipped == {"bytes in seal": 1}


def test_several_columns_of_text_say_their_names(tmp_path: Path) -> None:
    url = database(tmp_path, (1, "T", "body", "Ann"), (2, "U", None, "Bob"))
    connector = notes(tmp_path, url, text=["author", "text"], title="made")
    one, two = (item.load() for item in items(connector))
    assert (one.text, one.title, two.text) == ("Ann\n\nbody", "", "Bob")
    assert [block.place for block in one.blocks] == ["field author", "field text"]


def test_other_names_are_given_as_options(tmp_path: Path) -> None:
    url = database(tmp_path, (1, "T", "body", "Ann"))
    connector = notes(tmp_path, url, id="author", text="title", title="text")
    document = items(connector)[0].load()
    assert (document.id, document.text, document.title) == ("sql:notes#Ann", "T", "body")


def test_without_version_every_change_of_a_row_is_seen(tmp_path: Path) -> None:
    connector = notes(tmp_path, database(tmp_path, (1, "T", "body", "Ann"), (2, "U", "x")))
    before = {item.id: item.version for item in items(connector)}
    change(tmp_path, "UPDATE notes SET author = 'Bob' WHERE id = 1")
    after = {item.id: item.version for item in items(connector)}
    assert [name for name in before if before[name] != after[name]] == ["sql:notes#1"]


def test_a_version_column_is_believed_and_options_count_too(tmp_path: Path) -> None:
    url = database(tmp_path, (1, "T", "body", "Ann", None, None, None, 10), (2, "U", "x"))
    version = "changed"
    before = [item.version for item in items(notes(tmp_path, url, version=version))]
    change(tmp_path, "UPDATE notes SET text = 'other'")
    one, two = items(notes(tmp_path, url, version=version))
    assert one.version == before[0]
    assert one.load().text == "other"
    assert two.version != before[1]  # a row that tells no version is compared whole
    other = items(notes(tmp_path, url, version=version, text="author"))[0]
    assert other.version != before[0]


def test_bad_rows_are_reported_and_the_rest_go_on(tmp_path: Path) -> None:
    url = database(
        tmp_path, (1, "", "a"), (1, "", "b"), (None, "", "c"), (b"k", "", "d"), (5, "", b"e"),
        (6, "", None), (7, "", "  "), (8, "", "good"), ("", "", "x"), ("(row 2)", "", "y"),
    )  # fmt: skip
    connector = notes(tmp_path, url)
    assert [item.id for item in items(connector)] == [
        "sql:notes#1", "sql:notes#8", "sql:notes#%28row 2)"
    ]  # fmt: skip
    told = failures(connector)
    assert "same id '1'" in told["sql:notes#(row 2)"]
    assert "field 'id' is null" in told["sql:notes#(row 3)"]
    assert "bytes" in told["sql:notes#(row 4)"]
    assert "bytes" in told["sql:notes#5"]
    assert "null" in told["sql:notes#6"]
    assert "empty" in told["sql:notes#7"]
    assert "nothing" in told["sql:notes#(row 9)"]
    assert len(told) == 7
    assert all(connector.covers(source) for source in told)


def test_rows_are_loaded_later_in_any_order_from_any_thread(tmp_path: Path) -> None:
    url = database(tmp_path, *((n, "", f"text {n}") for n in range(300)))
    listed = items(notes(tmp_path, url))
    (tmp_path / "notes.db").unlink()
    texts: dict[str, str] = {}

    def load() -> None:
        texts.update({item.id: item.load().text for item in reversed(listed)})

    thread = threading.Thread(target=load)
    thread.start()
    thread.join()
    assert texts == {f"sql:notes#{n}": f"text {n}" for n in range(300)}


def test_names_without_a_name_have_the_url_and_the_query(tmp_path: Path) -> None:
    url = database(tmp_path, (1, "", "a"))
    one, other = (
        items(SqlConnector(url=url, query=query, base=tmp_path))[0].id
        for query in ("SELECT * FROM notes", "SELECT id, text FROM notes")
    )
    assert one.startswith("sql:sqlite:///notes.db~") and one.endswith("#1")
    assert one != other


def test_only_its_own_rows_are_covered(tmp_path: Path) -> None:
    connector = SqlConnector(url=database(tmp_path), query="SELECT * FROM notes", name="a#b%")
    assert items(connector) == []
    assert connector.covers("sql:a%23b%25#1")
    for other in ("sql:a#b%25#1", "sql:a%23b%25", "a.md", "sql:a%23b%25c#1"):
        assert not connector.covers(other)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT text FROM notes", "no column 'id', but 'text'"),
        ("SELECT id, title FROM notes", "no column 'text', but 'id', 'title'"),
        ("SELECT id, text, text FROM notes", "'text' twice"),
        ("SELECT nope FROM notes", "no such column: nope"),
        ("SELEC", "syntax error"),
        ("DELETE FROM notes", "readonly"),
        ("SELECT id, text FROM notes; DROP TABLE notes", "more than one statement"),
        (" ; ", "empty"),
        ("", "write {use: sql,"),
    ],
)
def test_a_wrong_query_is_one_line(tmp_path: Path, query: str, told: str) -> None:
    url = database(tmp_path, (1, "", "a"))
    assert told in refused(url, query)
    assert len(items(notes(tmp_path, url))) == 1


@pytest.mark.parametrize("option", ["title", "version"])
def test_a_column_that_is_named_must_be_there(tmp_path: Path, option: str) -> None:
    url = database(tmp_path, (1, "", "a"))
    assert "'headline'" in refused(url, "SELECT id, text FROM notes", **{option: "headline"})


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "no database URL"),
        ("foo://ann:s3cret@host/x", "'foo'"),
        ("postgresql://ann:s3cret@host:port/x", "no database URL"),
        ("postgresql+asyncpg://ann:s3cret@host/x", "asynchronous"),
        ("mysql+nope://ann:s3cret@host/x", "nope"),
        ("mssql://ann:s3cret@host/x", "needs the driver pymssql"),
        ("sqlite:///nowhere.db", "no such database file: 'nowhere.db'"),
        ("postgresql://ann:s3cret@127.0.0.1:1/x", "refused"),
    ],
)
def test_a_wrong_url_is_one_line_without_its_password(url: str, told: str) -> None:
    message = refused(url)
    assert told in message
    assert "s3cret" not in message


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("This is no database at all, whatever it is called. " * 20)
    before = (tmp_path / "x.db").read_bytes()
    assert "not a database" in refused(f"sqlite:///{tmp_path}/x.db", "SELECT * FROM notes")
    assert (tmp_path / "x.db").read_bytes() == before


def test_an_error_halfway_ends_the_listing_and_removes_nothing(tmp_path: Path) -> None:
    rows = [(n, "", "abc", None, 1) for n in range(150)] + [(150, "", "abc", None, -(2**63))]
    url = database(tmp_path, *rows)
    connector = notes(tmp_path, url, "SELECT id, text, abs(price) FROM notes")
    steps = list(connector.items())
    assert len(items(notes(tmp_path, url))) == 151
    assert isinstance(steps[-1], Failure)
    assert "after 1" in steps[-1].error and "overflow" in steps[-1].error
    assert len(steps) > 100
    # Of what was not listed nothing is known.
    assert connector.covers("sql:notes#0") and not connector.covers("sql:notes#150")


def test_broken_text_in_one_row_spoils_no_other(tmp_path: Path) -> None:
    url = database(tmp_path, (1, "", "a"), (3, "", "c"))
    change(tmp_path, "INSERT INTO notes (id, text) VALUES (2, CAST(x'62ff62' AS TEXT))")
    texts = sorted(item.load().text for item in items(notes(tmp_path, url)))
    assert texts == ["a", "b\ufffdb", "c"]


def test_a_url_alone_says_that_a_query_is_needed() -> None:
    for url in ("sqlite:///notes.db", "postgresql+psycopg://ann:s3cret@h/d", "oracle://h/d"):
        with pytest.raises(RequestError) as caught:
            open_sources([url])
        assert '{use: sql, url: "...", query: "SELECT' in str(caught.value)
        assert "s3cret" not in str(caught.value) and "\n" not in str(caught.value)


def test_it_is_written_out_as_a_source(tmp_path: Path) -> None:
    url = database(tmp_path, (1, "", "a"))
    text = f'{{use: sql, url: "{url}", query: "SELECT * FROM notes", name: n}}'
    connector = open_sources([text], base=tmp_path)
    assert [item.id for item in items(connector)] == ["sql:n#1"]
    assert registry.load("connector", "sql") is SqlConnector


@pytest.mark.parametrize(
    "query",
    ["SELECT ';'", 'SELECT ";"', "SELECT `;`", "SELECT 'it''s; x'", "SELECT $a$;$a$", "SELECT 1"],
)
def test_semicolons_inside_part_nothing(query: str) -> None:
    for ending in ("", ";", " ; ", ";;\n", "; -- done; over", " /* a; b */"):
        assert one_statement(query + ending).startswith(query)


def test_nothing_wide_is_kept(tmp_path: Path) -> None:
    wide = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) "
    listed = notes(tmp_path, database(tmp_path), wide + "SELECT id, 'x' AS text FROM n").items()
    # The query never ends: what comes first is there before the rest.
    assert [one.id for one in (next(listed) for _ in range(3)) if isinstance(one, Item)] == [
        "sql:notes#1", "sql:notes#2", "sql:notes#3"
    ]  # fmt: skip
    listed.close()  # type: ignore[attr-defined]


def test_loading_an_empty_row_by_version_is_an_error_of_the_document(tmp_path: Path) -> None:
    url = database(tmp_path, (1, "", None, None, None, None, None, "v1"))
    (item,) = items(notes(tmp_path, url, version="changed"))
    with pytest.raises(DocumentError, match="null"):
        item.load()
