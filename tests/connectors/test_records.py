"""Files of records: JSON Lines, JSON arrays, CSV, TSV, Parquet."""

from __future__ import annotations

import datetime
import decimal
import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mutations import mutants

from rag.connectors.records import RecordsConnector
from rag.errors import SourceError
from rag.protocols import Connector
from rag.sources import open_sources
from rag.testing import ConnectorSuite
from rag.types import Document, Failure, Item


def connect(folder: Path, path: str | list[str] = "a.jsonl", **options: Any) -> RecordsConnector:
    paths = [path] if isinstance(path, str) else path
    return RecordsConnector(path=[str(folder / one) for one in paths], base=folder, **options)


def documents(connector: Connector) -> list[Document]:
    return [one.load() for one in connector.items() if isinstance(one, Item)]


def failures(connector: Connector) -> dict[str, str]:
    told = {one.source: one.error for one in connector.items() if isinstance(one, Failure)}
    assert all("\n" not in error for error in told.values())
    return told


def write(folder: Path, name: str, *records: object) -> Path:
    path = folder / name
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in records]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


class TestRecordsJsonLines(ConnectorSuite):
    def make(self, folder: Path) -> Connector:
        rows = [
            {"id": 1, "text": "one"},
            b"broken {",
            {"id": 1, "text": "x"},
            {"id": 2, "text": "y"},
        ]
        write(folder, "a.jsonl", *rows)
        return connect(folder, id="id")


class TestRecordsWithoutIds(ConnectorSuite):
    def make(self, folder: Path) -> Connector:
        (folder / "a.csv").write_text("title,text\nA,one\nB,two\nC,\n")
        (folder / "b.json").write_text('[{"text": "three"}, {"text": "four"}, 5]')
        return connect(folder, ["*.csv", "*.json"])


class TestRecordsParquet(ConnectorSuite):
    def make(self, folder: Path) -> Connector:
        pq.write_table(pa.table({"id": [1, 2, 2], "text": ["a", "b", "c"]}), folder / "a.parquet")
        return connect(folder, "a.parquet", id="id")


def test_a_line_is_a_document(tmp_path: Path) -> None:
    record = {
        "key": "k1", "title": "Port\nfees", "body": {"de": "Öl", "en": "Oil\n\nfor lamps"},
        "author": {"name": "Ann", "age": 40}, "tags": ["a", 1], "price": 1.5, "none": None,
        "parts": [{"x": 1}], "ok": True, "huge": 10**30,
    }  # fmt: skip
    write(tmp_path, "a.jsonl", record)
    (document,) = documents(connect(tmp_path, id="key", text="body.en"))
    assert (document.id, document.source) == ("records:a.jsonl#k1",) * 2
    assert (document.title, document.text) == ("Port fees", "Oil\n\nfor lamps")
    assert [document.text[b.start : b.end] for b in document.blocks] == ["Oil", "for lamps"]
    assert document.metadata == {
        "body.de": "Öl", "author.name": "Ann", "author.age": 40, "tags": "a, 1", "price": 1.5,
        "ok": True, "huge": str(10**30),
    }  # fmt: skip


def test_fields_of_text_and_metadata_are_chosen(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", {"q": "Why?", "a": ["One.", "Two."], "n": 1, "by": {"x": 2}})
    connector = connect(tmp_path, text=["q", "a", "z"], title="by.x", metadata=["n", "gone"])
    (document,) = documents(connector)
    assert (document.text, document.title) == ("Why?\n\nOne.\nTwo.", "2")
    assert document.metadata == {"n": 1}
    assert [block.place for block in document.blocks] == ["field q", "field a"]


def test_bad_lines_say_their_number_and_the_rest_go_on(tmp_path: Path) -> None:
    write(
        tmp_path, "a.jsonl", b'\xef\xbb\xbf{"id": 1, "text": "one"}', b"", b"no {json}", [1],
        b'{"id": 2, "text": "caf\xe9"}', {"id": 1, "text": "again"}, {"text": "no id"}, {"id": 3},
        {"id": None, "text": "x"}, {"id": [1], "text": "x"}, {"id": 4, "text": {"en": "x"}},
        b'{"id": 5, "text": ' + b"[" * 200_000, b'{"id": ' + b"9" * 5000 + b', "text": "x"}',
        {"id": "a\nb", "text": "last"},
    )  # fmt: skip
    connector = connect(tmp_path, id="id")
    assert [one.id for one in documents(connector)] == [
        "records:a.jsonl#1",
        "records:a.jsonl#a%0Ab",
    ]
    told = failures(connector)
    words = {
        "(line 3)": "not JSON", "(line 4)": "not an object", "(line 5)": "not UTF-8, at byte",
        "(record 6)": "same id '1'", "(record 7)": "no field 'id' (it has: 'text')",
        "3": "no field 'text' (it has: 'id')", "(record 9)": "null", "(record 10)": "list",
        "4": "name a field in it", "(line 12)": "recursion", "(line 13)": "digits",
    }  # fmt: skip
    assert {source.partition("#")[2] for source in told} == set(words)
    for place, word in words.items():
        assert word in told[f"records:a.jsonl#{place}"]


def test_without_ids_the_number_of_a_record_names_it(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", {"text": "a"}, b"", b"broken", {"text": "d"})
    (tmp_path / "b.csv").write_text('text,n\n"two\nlines",1\n\nlater,2\n')
    (tmp_path / "c.json").write_text('[{"text": "x"}, 1, {"text": "y"}]')
    connector = connect(tmp_path, ["a.jsonl", "b.csv", "c.json"])
    assert [one.id for one in documents(connector)] == [
        "records:a.jsonl#1", "records:a.jsonl#4", "records:b.csv#2", "records:b.csv#4",
        "records:c.json#1", "records:c.json#3",
    ]  # fmt: skip
    # A record that cannot be read is the same record, and keeps what the index has of it.
    assert set(failures(connector)) == {"records:a.jsonl#3", "records:c.json#2"}
    assert connector.covers("records:a.jsonl#9")


def test_nothing_is_removed_while_an_unknown_record_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", {"id": 1, "text": "a"}, b"broken")
    write(tmp_path, "b.jsonl", {"id": 1, "text": "a"}, {"text": "no id"})
    connector = connect(tmp_path, "*.jsonl", id="id")
    assert len(failures(connector)) == 2
    assert not connector.covers("records:a.jsonl#2")
    assert connector.covers("records:b.jsonl#2")
    assert connector.covers("records:gone.jsonl#2")  # the glob would mean it
    for other in (
        "records:b.csv#1",
        "records:sub/b.jsonl#1",
        "records:b.jsonl",
        "b.jsonl",
        "sql:b#1",
    ):
        assert not connector.covers(other)


def test_versions_follow_what_is_read(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", {"text": "a", "n": 1}, {"text": "b", "n": 1})
    chosen: dict[str, Any] = {"metadata": ["k"]}
    every: dict[str, Any] = {}

    def versions(options: dict[str, Any]) -> list[str]:
        return [i.version for i in connect(tmp_path, **options).items() if isinstance(i, Item)]

    before = versions(chosen), versions(every)
    write(tmp_path, "a.jsonl", {"text": "a", "n": 2}, {"text": "c", "n": 1})
    after = versions(chosen), versions(every)
    assert [a == b for a, b in zip(before[0], after[0], strict=True)] == [True, False]
    assert [a == b for a, b in zip(before[1], after[1], strict=True)] == [False, False]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_separated_values_in_their_encodings(tmp_path: Path, encoding: str, mark: str) -> None:
    rows = [["id", "text", "price", "code"], ["a", "Grüße", "12.50", "007"], ["b", "x", "-3", ""]]
    path = tmp_path / ("a.tsv" if mark == "\t" else "a.csv")
    path.write_bytes("\r\n".join(mark.join(row) for row in rows).encode(encoding))
    one, two = documents(connect(tmp_path, path.name, id="id"))
    assert (one.text, dict(one.metadata)) == ("Grüße", {"price": 12.5, "code": "007"})
    assert (two.text, dict(two.metadata)) == ("x", {"price": -3})


def test_ids_and_text_of_cells_stay_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1.50,2.0\n1.5,1e5\n")
    one, two = documents(connect(tmp_path, "a.csv", id="id"))
    assert [one.id, two.id] == ["records:a.csv#1.50", "records:a.csv#1.5"]
    assert [one.text, two.text] == ["2.0", "1e5"]


def test_rows_that_do_not_fit_are_reported(tmp_path: Path) -> None:
    data = (
        b"id,text\n1,a,b,c\n2,"
        + b"caf\xc3\xa9" * 9
        + b"\n3,x\xff\n4,"
        + b"y" * 3000
        + b"\n5,ok,,\n"
    )
    (tmp_path / "a.csv").write_bytes(data)
    connector = connect(tmp_path, "a.csv", id="id", max_bytes=1000)
    assert [one.id for one in documents(connector)] == ["records:a.csv#2", "records:a.csv#5"]
    told = failures(connector)
    assert "4 cells under 2 names" in told["records:a.csv#(row 2)"]
    assert "encoding" in told["records:a.csv#(row 4)"]
    assert "max_bytes = 1,000" in told["records:a.csv#(line 5)"]


def test_an_open_quote_ends_at_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('text\n"never closed\n' + "word\n" * 20_000)
    told = failures(connect(tmp_path, "a.csv", max_bytes=1000))
    assert "a quote is open" in told["records:a.csv#2"]


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.csv", b"name,body\nx,y\n", "no field 'id', 'text', but 'name', 'body'"),
        ("a.csv", b"id,text,text\n1,y,z\n", "'text' twice"),
        ("a.csv", b"", "empty"),
        ("a.csv", b"PK\x03\x04", "zip"),
        ("a.json", b'{"id": 1}', "no JSON array"),
        ("a.json", b"", "no JSON array"),
        ("a.json", b'[{"id": 1, "text": "x"}', "expected ','"),
        ("a.json", b"[" * 100_000, "recursion"),
        ("a.json", b'[{"id": 1, "text": "\xff"}]', "utf-8"),
        ("a.jsonl", '{"id": 1}'.encode("utf-16"), "UTF-16"),
        ("a.parquet", b"PAR1 but not really", "not Parquet"),
        ("a.exe", b"x", ".jsonl"),
    ],
)
def test_a_file_that_is_no_such_file(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(data)
    write(tmp_path, "z.jsonl", {"id": 1, "text": "fine"})
    connector = connect(tmp_path, [name, "z.jsonl"], id="id")
    assert told in next(iter(failures(connector).values()))
    assert not connector.covers(f"records:{name}#99")
    assert connector.covers("records:z.jsonl#99")
    assert documents(connector)[-1].id == "records:z.jsonl#1"


def test_an_array_is_read_in_windows(tmp_path: Path) -> None:
    records = [
        {"id": n, "text": 'wörd \\" [ { ' * (n % 7 * 2000) + "x", "n": [n]} for n in range(60)
    ]
    (tmp_path / "a.json").write_text(json.dumps(records, indent=1, ensure_ascii=False))
    read = documents(connect(tmp_path, "a.json", id="id"))
    assert [one.text for one in read] == [record["text"] for record in records]


def test_a_fault_in_an_array_keeps_what_came_before(tmp_path: Path) -> None:
    good = ", ".join('{"text": "x"}' for _ in range(20_000))
    (tmp_path / "a.json").write_text(f'[{good}, {{"text": oops}}, {{"text": "y"}}]')
    connector = connect(tmp_path, "a.json")
    assert len(documents(connector)) == 20_000
    assert "Expecting value" in failures(connector)["records:a.json#(record 20001)"]


def test_parquet_values(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["a", "b"],
            "text": ["one", "two"],
            "day": [datetime.date(2026, 1, 2), None],
            "price": [decimal.Decimal("1.10"), decimal.Decimal("2.00")],
            "raw": [b"x", None],
            "more": [{"k": 1}, {"k": 2}],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    connector = connect(tmp_path, "a.parquet", id="id")
    one, two = documents(connector)
    assert one.metadata == {"day": "2026-01-02", "price": 1.1, "more.k": 1}
    assert two.metadata == {"price": 2, "more.k": 2}
    assert connector.skipped == {"bytes in raw": 1}
    nested = documents(connect(tmp_path, "a.parquet", id="more.k", metadata=["price"]))
    assert [one.id for one in nested] == ["records:a.parquet#1", "records:a.parquet#2"]
    assert nested[0].metadata == {"price": 1.1}


def test_one_line_of_thirty_megabytes(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", {"text": "word " * 6_000_000}, {"text": "ok"})
    assert [len(one.text) for one in documents(connect(tmp_path))] == [30_000_000, 2]
    connector = connect(tmp_path, max_bytes=1_000_000)
    assert [one.id for one in documents(connector)] == ["records:a.jsonl#2"]
    assert "max_bytes = 1,000,000" in failures(connector)["records:a.jsonl#1"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet"])
def test_files_larger_than_memory_are_streamed(tmp_path: Path, name: str) -> None:
    text, count = "word " * 400, 10_000  # twenty megabytes
    make: dict[str, Callable[[Path], object]] = {
        "a.jsonl": lambda path: write(path.parent, path.name, *[{"text": text}] * count),
        "a.json": lambda path: path.write_text(json.dumps([{"text": text}] * count)),
        "a.csv": lambda path: path.write_text("text\n" + f"{text}\n" * count),
        "a.parquet": lambda path: pq.write_table(
            pa.table({"text": [f"{n} {text}" for n in range(count)]}), path, row_group_size=1000
        ),
    }
    make[name](tmp_path / name)
    listed = connect(tmp_path, name).items()
    next(listed)
    tracemalloc.start()
    assert sum(isinstance(one, Item) for one in listed) == count - 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


def test_paths_that_are_none_and_names_that_are_odd(tmp_path: Path) -> None:
    for path in ("nowhere.jsonl", "*.jsonl"):
        with pytest.raises(SourceError, match=r"no such file|no file matches"):
            connect(tmp_path, path)
    write(tmp_path, "a#b[1].jsonl", {"text": "x"})
    connector = connect(tmp_path, "a#b[1].jsonl")
    (document,) = documents(connector)
    assert document.id == "records:a%23b[1].jsonl#1"
    assert connector.covers(document.id) and not connector.covers("records:a#1")


def test_globs_reach_folders_below(tmp_path: Path) -> None:
    for folder in ("", "x", "x/y", ".hidden"):
        (tmp_path / folder).mkdir(exist_ok=True)
        write(tmp_path / folder, "a.jsonl", {"text": "x"})
    connector = connect(tmp_path, "**/a.jsonl")
    assert [one.id for one in documents(connector)] == [
        "records:a.jsonl#1", "records:x/a.jsonl#1", "records:x/y/a.jsonl#1"
    ]  # fmt: skip
    assert connector.covers("records:x/z/a.jsonl#1")
    assert not connector.covers("records:.hidden/a.jsonl#1")
    assert not connector.covers("records:x/b.jsonl#1")


def test_the_short_form_names_a_file(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", {"text": "x"})
    connector = open_sources([f"records:{tmp_path}/a.jsonl"], base=tmp_path)
    assert [one.id for one in documents(connector)] == ["records:a.jsonl#1"]
    with pytest.raises(SourceError, match="no such file"):
        open_sources(["records:nowhere.jsonl"])


def test_what_stands_in_messages_is_one_line_that_can_be_shown(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('"a\nb",c\n1,2\n')
    assert "'a b', 'c'" in failures(connect(tmp_path, "a.csv"))["records:a.csv#(row 1)"]
    write(tmp_path, "a.jsonl", *[{"id": "x\ny", "text": "x"}] * 2, {"\ud800": 1})
    told = failures(connect(tmp_path, id="id"))
    assert "'x%0Ay'" in told["records:a.jsonl#(record 2)"]
    assert "'%ED%A0%80'" in told["records:a.jsonl#(record 3)"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "wide.csv", "a.parquet"])
def test_damaged_files_give_records_and_failures_only(tmp_path: Path, name: str) -> None:
    records = [{"id": n, "text": f"wört {n}", "more": {"k": [1, 2]}} for n in range(9)]
    table = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), table)
    seeds = {
        "a.jsonl": "\n".join(map(json.dumps, records)).encode(),
        "a.json": json.dumps(records).encode(),
        "a.csv": 'id,text\n1,"a\nb"\n2,ü\n3,c\n'.encode(),
        "wide.csv": "id;text\n1;ü\n2;b\n".encode("utf-16"),
        "a.parquet": table.getvalue(),
    }
    for data in mutants([seeds[name]], 150, seed=5):
        (tmp_path / name).write_bytes(data)
        connector = connect(tmp_path, name, id="id")
        ids = [document.id for document in documents(connector)]
        assert len(ids) == len(set(ids))
        failures(connector)
