"""Texts in blocks: whole, and in spans."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.store.database import connect, create
from rag.store.edits import Writer
from rag.types import Document, Passage

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9_000)
SPANS = st.lists(st.tuples(st.integers(0, 9_000), st.integers(0, 3_000)), max_size=8)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    create(tmp_path / "index.db")
    connection = connect(tmp_path / "index.db", write=True)
    yield Writer(connection)
    connection.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(unit=TEXT, times=st.integers(1, 4), spans=SPANS)
def test_spans_read_back(
    writer: Writer, unit: str, times: int, spans: list[tuple[int, int]]
) -> None:
    text = unit * times
    ends = [(min(a, len(text)), min(a + size, len(text))) for a, size in spans]
    cut = [Passage("d", a, b, text[a:b]) for a, b in ends]
    with writer.transaction():
        writer.remove("d")
        row = writer.add_document(Document("d", "d", text), "", "en", [one.start for one in cut])
        rows = [writer.add_passage(row, one, b"k") for one in cut]
    found = writer.passages(rows)
    assert [found[row].text for row in rows] == [one.text for one in cut]
    assert sorted(p.text for p in writer.passages_of("d").values()) == sorted(
        one.text for one in cut
    )
    entries = list(writer.entries(rows[0] - 1, 100)) if rows else []
    assert [text for _, _, _, text, _, _ in entries] == [one.text for one in cut]
    assert writer.texts.whole(row) == text


def test_documents_do_not_touch_each_other(writer: Writer) -> None:
    with writer.transaction():
        rows = [writer.add_document(Document(name, name, name * 4_000), "", "en") for name in "abc"]
        writer.remove("b")
    assert writer.texts.whole(rows[0]) == "a" * 4_000
    assert writer.texts.whole(rows[1]) == ""
    assert writer.texts.whole(rows[2]) == "c" * 4_000


def test_blocks_begin_with_passages(writer: Writer) -> None:
    """A passage shorter than a block is read from one block."""
    text = "word " * 4_000
    starts = range(0, len(text), 700)
    with writer.transaction():
        row = writer.add_document(Document("d", "d", text), "", "en", starts)
    found = writer.connection.execute("SELECT place FROM texts ORDER BY place").fetchall()
    assert len(found) > 5
    assert {place - (row << 32) for (place,) in found} <= set(starts)


def test_languages_are_counted(writer: Writer) -> None:
    with writer.transaction():
        for name, language in (("a", "en"), ("b", "de"), ("c", "en")):
            writer.add_document(Document(name, name, "text"), "", language)
    assert writer.languages() == ["de", "en"]
    assert writer.counts()["documents"] == 3
    with writer.transaction():
        writer.remove("b")
    assert writer.languages() == ["en"]
    assert writer.counts()["documents"] == 2


def test_a_block_is_found_without_a_scan(writer: Writer) -> None:
    from rag.store.rows import _ENTRY

    plan = writer.connection.execute(f"EXPLAIN QUERY PLAN {_ENTRY} WHERE p.row = 1").fetchall()
    assert not any("SCAN" in str(step) for *_, step in plan)
    assert isinstance(writer.connection, sqlite3.Connection)
