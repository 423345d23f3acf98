"""Documents and passages written and read back."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import DiskFullError, IndexDamagedError, IndexMismatchError
from rag.store.database import SCHEMA_VERSION, connect, create, explained
from rag.store.edits import Writer
from rag.store.fields import Fields
from rag.store.filters import Filtering
from rag.store.rows import Known, Unread
from rag.types import Block, Condition, Document, Dropped, Failure, Passage, Scalar

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
SCALARS: st.SearchStrategy[Scalar] = st.one_of(
    TEXT, st.integers(-(2**60), 2**60), st.booleans(), st.floats(allow_nan=False, width=32)
)


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    create(tmp_path / "index.db")
    return Writer(connect(tmp_path / "index.db", write=True))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=TEXT,
    title=TEXT,
    metadata=st.dictionaries(TEXT, SCALARS, max_size=4),
    headings=st.lists(TEXT, max_size=3),
    page=st.none() | st.integers(1, 9),
)
def test_documents_and_passages_round_trip(
    writer: Writer,
    text: str,
    title: str,
    metadata: dict[str, Scalar],
    headings: list[str],
    page: int | None,
) -> None:
    blocks = (Block(0, len(text), "list", page, tuple(headings)),)
    document = Document("id", "source", text, title, blocks, metadata)
    passage = Passage("id", 0, len(text), text, "source", title, page, tuple(headings), metadata)
    with writer.transaction():
        writer.remove("id")
        row = writer.add_passage(writer.add_document(document, "1", "en"), passage, b"key")
    assert writer.document("id") == document
    assert writer.document("source") == document
    assert writer.known("id") == Known("1", document.content_hash, "source")
    (found,) = writer.passages([row]).values()
    assert found.text == text
    assert (found.page, found.headings, found.order) == (page, tuple(headings), passage.order)
    assert dict(found.metadata) == {**metadata, "language": "en"}


def test_row_numbers_are_never_used_again(writer: Writer) -> None:
    document, passage = Document("a", "a", "text"), Passage("a", 0, 4, "text")
    seen: set[int] = set()
    for _ in range(3):
        with writer.transaction():
            assert [row for row, _ in writer.remove("a")[0]] == sorted(seen)[-1:]
            row = writer.add_passage(writer.add_document(document, "", "en"), passage, b"k")
        assert row not in seen
        seen.add(row)


def test_transaction_is_all_or_nothing(writer: Writer) -> None:
    with pytest.raises(RuntimeError), writer.transaction():
        writer.add_document(Document("a", "a", "text"), "", "en")
        raise RuntimeError
    assert writer.document("a") is None
    assert writer.counts() == {"documents": 0, "passages": 0, "pruned": 0}


def test_vectors_are_kept_in_half_precision(writer: Writer) -> None:
    vectors = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    with writer.transaction():
        writer.add_vectors([b"a", b"b", b"c"], vectors)
    found = writer.vectors([b"b", b"nowhere"])
    assert list(found) == [b"b"]
    np.testing.assert_array_equal(found[b"b"], vectors[1].astype(np.float16).astype(np.float32))


def test_vectors_of_pruned_passages_are_not_forgotten(writer: Writer) -> None:
    with writer.transaction():
        writer.add_vectors([b"a", b"b", b"c"], np.ones((3, 4), np.float32))
        row = writer.add_document(Document("d", "d", "text"), "", "en")
        passage = Passage("d", 0, 4, "text")
        # What is in the index has its vector there.
        writer.add_passage(row, passage, b"a")
        writer.add_dropped(row, Dropped(passage, 0.5, "too short"), b"b")
        writer.forget_vectors([b"a", b"b", b"c"])
    assert set(writer.vectors([b"a", b"b", b"c"])) == {b"b"}


def test_dropped_and_failures(writer: Writer) -> None:
    passage = Passage("d", 0, 4, "text", "d", page=3, headings=("A",), context="A", place="p")
    dropped = Dropped(passage, 0.25, "too short")
    with writer.transaction():
        row = writer.add_document(Document("d", "d", "text"), "", "en")
        writer.add_dropped(row, dropped, b"key")
        writer.set_failures([Failure("x", "is empty"), Failure("y", "is empty")], [], "2026-01-01")
        writer.set_failures([Failure("x", "is damaged")], ["y"], "2026-02-02")
    (found,) = writer.dropped("d")
    assert found == replace(dropped, passage=replace(passage, metadata={"language": "en"}))
    assert list(writer.all_dropped()) == [found]
    (candidate,) = writer.candidates("d")
    assert (candidate.passage, candidate.key, candidate.kept) == (passage, b"key", False)
    assert writer.failures() == [Failure("x", "is damaged")]
    assert writer.unread() == [Unread("x", "is damaged", "2026-01-01", stale=False)]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([("year", "=", 2001)], {"b"}),
        ([("year", ">", 2000)], {"b"}),
        ([("year", ">=", 2000)], {"a", "b"}),
        ([("year", "<", 2001), ("language", "=", "en")], {"a"}),
        ([("year", "!=", 2000)], {"b", "c", "d"}),
        ([("year", ">", "1")], {"c"}),
        ([("draft", "=", True)], {"a"}),
        ([("title", "~", "FERRY")], {"a", "b"}),
        ([("source", "=", "c.txt")], {"c"}),
        ([('odd "key".[0]', "=", "x")], {"d"}),
        ([("id", "=", "nowhere")], set()),
        ([("title", "~", "%")], set()),
    ],
)
def test_filters(
    writer: Writer, conditions: list[tuple[str, str, Scalar]], expected: set[str]
) -> None:
    known: dict[str, dict[str, Scalar]] = {
        "a": {"year": 2000, "draft": True},
        "b": {"year": 2001, "draft": False},
        "c": {"year": "1999"},
        "d": {'odd "key".[0]': "x"},
    }
    rows = {}
    with writer.transaction():
        for name, metadata in known.items():
            title = "The ferry" if name in "ab" else "Other"
            document = Document(name, f"{name}.txt", "text", title, (), metadata)
            rows[writer.add_document(document, "", "en")] = name
    filters = [Condition(*one) for one in conditions]  # type: ignore[arg-type]
    found = Filtering(filters, Fields(), writer.connection).documents()
    assert {rows[row] for row in found.tolist()} == expected


def test_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    create(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(IndexMismatchError, match=r"newer ragline .* upgrade ragline"):
        connect(path)


@pytest.mark.parametrize("content", [b"", b"this is not a database" * 400])
def test_other_files_are_damage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(content)
    with pytest.raises(IndexDamagedError, match=r"index.db' is damaged .* index again"):
        connect(path)


def test_reading_on_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite calls it an I/O error when there is no room for its shared memory."""
    error = sqlite3.OperationalError("disk I/O error")
    assert not isinstance(explained(error, tmp_path / "index.db"), DiskFullError)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    assert isinstance(explained(error, tmp_path / "index.db"), DiskFullError)


def test_damaged_text_is_damage(writer: Writer) -> None:
    with writer.transaction():
        writer.add_document(Document("a", "a", "text"), "", "en")
        writer.connection.execute("UPDATE texts SET text = x'00ff'")
    with pytest.raises(IndexDamagedError, match="a record in the index is damaged"):
        writer.document("a")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE documents SET metadata = '{'",
        "UPDATE passages SET headings = '[\"'",
    ],
)
def test_damaged_records_are_damage(writer: Writer, change: str) -> None:
    with writer.transaction():
        document = writer.add_document(Document("a", "a", "text"), "", "en")
        row = writer.add_passage(document, Passage("a", 0, 4, "text", "a", "a"), b"")
        writer.connection.execute(change)
    with pytest.raises(IndexDamagedError, match="a record in the index is damaged"):
        writer.passages_of("a")
    with pytest.raises(IndexDamagedError, match="a record in the index is damaged"):
        writer.passages([row])


def test_what_sqlite_says_of_damage(tmp_path: Path) -> None:
    for text in ("Could not decode to UTF-8 column 'text' with text 'x'", "no such table: meta"):
        error = explained(sqlite3.OperationalError(text), tmp_path / "index.db")
        assert isinstance(error, IndexDamagedError)
    error = explained(sqlite3.OperationalError("unable to open database file"), tmp_path / "x.db")
    assert "give yourself leave to read it" in str(error)
