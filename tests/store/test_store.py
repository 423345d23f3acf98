"""The embedded store: views, generations, damage, locks, rebuilding, full disks, threads."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from embedded import Embedded, key_of, one_passage, whole

from rag.errors import (
    DiskFullError,
    IndexBusyError,
    IndexDamagedError,
    NoIndexError,
    RagError,
    RequestError,
    StoreError,
)
from rag.protocols import Vectors
from rag.store import folders, generation
from rag.store.check import problems
from rag.store.store import Store
from rag.store.tantivy import TantivyEngine
from rag.store.writer import Indexed, Verdicts
from rag.types import Condition, Document, Dropped, Variant

FERRY = whole("ferry", "the ferry leaves at nine", year=2001)
LAMP = whole("lamp", "the keeper lights the lamp", year=2002)
OIL = whole("oil", "oil for the lamp is dear", year=2003)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Embedded]:
    made = Embedded(tmp_path / ".rag")
    made.put(FERRY, LAMP)
    yield made
    made.close()


def names(store: Embedded, text: str = "lamp ferry oil") -> set[str]:
    with store.view() as view:
        lexical = {p.document_id for p, _ in view.lexical([Variant(text)], 10)}
        vector = store.encoder.encode_queries([text])[0]
        assert {p.document_id for p, _ in view.dense(vector, 10)} >= lexical
        return lexical


def number(store: Embedded) -> int:
    return int(store.store.meta("generation"))


# Views


def test_ties_are_ordered_by_passage(store: Embedded) -> None:
    store.put(*(whole(f"same{n:02}", "gull and tide") for n in reversed(range(40))))
    with store.view() as view:
        expected = [f"same{n:02}" for n in range(5)]
        assert [p.document_id for p, _ in view.lexical([Variant("gull")], 5)] == expected
        vector = store.encoder.encode_queries(["gull and tide"])[0]
        assert [p.document_id for p, _ in view.dense(vector, 5)] == expected


def test_filters_of_a_view(store: Embedded) -> None:
    vector = store.encoder.encode_queries(["the ferry leaves"])[0]
    with store.view() as view:
        after = [Condition("year", ">", 2001)]
        assert [p.document_id for p, _ in view.dense(vector, 1, after)] == ["lamp"]
        assert view.lexical([Variant("ferry")], 5, after) == []
        assert view.lexical([Variant("ferry")], 5, [Condition("year", "=", "nineteen")]) == []


def test_reader_keeps_its_view_and_then_sees_the_new_state(store: Embedded) -> None:
    with store.view() as view:
        for _ in range(4):
            store.put(OIL)
            store.commit([], ["ferry"])
            store.put(FERRY)
        store.commit([], ["ferry"])
        assert [p.document_id for p, _ in view.lexical([Variant("ferry")], 5)] == ["ferry"]
        assert view.document("oil") is None
    assert names(store) == {"lamp", "oil"}


def test_two_indexes_in_one_process(store: Embedded, tmp_path: Path) -> None:
    other = Embedded(tmp_path / "other")
    other.put(OIL)
    assert names(other) == {"oil"}
    assert names(store) == {"ferry", "lamp"}
    other.close()


def test_threads_search_during_updates(store: Embedded) -> None:
    """Each view is wholly before or wholly after an update."""
    failures: list[BaseException] = []
    stop = threading.Event()

    def search() -> None:
        try:
            while not stop.is_set():
                assert names(store) in ({"ferry", "lamp"}, {"ferry", "lamp", "oil"})
        except BaseException as error:  # noqa: BLE001 told to the main thread
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(16)]
    for thread in threads:
        thread.start()
    for _ in range(6):
        store.put(OIL)
        store.commit([], ["oil"])
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.problems() == []


def test_view_opened_late_finds_the_newer_generation(
    store: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Updates may remove a generation between reading its number and opening it."""
    store.put(OIL)
    former = store.store.generations.open
    late = [True]

    def opened(*arguments: Any) -> Any:
        if late.pop():
            late.append(False)
            for _ in range(3):
                store.put(OIL)
        else:
            late.append(False)
        return former(*arguments)

    monkeypatch.setattr(store.store.generations, "open", opened)
    assert names(store) == {"ferry", "lamp", "oil"}


def test_view_of_a_generation_removed_while_it_was_opened_is_of_the_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tantivy opens without a file of positions, and fails when it is searched."""
    store = Embedded(tmp_path / ".rag", dense=False)
    store.put(FERRY, LAMP)
    former = TantivyEngine.open
    late = iter([True])

    def opened(engine: TantivyEngine, folder: Path) -> Any:
        if not next(late, False):
            return former(engine, folder)
        store.put(OIL)
        for path in folder.glob("*.pos"):
            path.unlink()
        found = former(engine, folder)
        for _ in range(2):
            store.put(OIL)
        return found

    monkeypatch.setattr(TantivyEngine, "open", opened)
    with store.view() as view:
        found = view.lexical([Variant("lamp ferry oil")], 10)
    assert {passage.document_id for passage, _ in found} == {"ferry", "lamp", "oil"}
    store.close()


# Generations and damage


def test_former_generations_are_removed(store: Embedded, tmp_path: Path) -> None:
    for _ in range(5):
        store.put(OIL)
    kept = sorted(path.name for path in (tmp_path / ".rag" / "generations").iterdir())
    assert kept == [f"{number(store) - 1:08d}", f"{number(store):08d}"]


def test_leftovers_of_a_killed_writer_are_removed(store: Embedded, tmp_path: Path) -> None:
    generations = tmp_path / ".rag" / "generations"
    (generations / "draft").mkdir()
    (generations / f"{number(store) + 1:08d}").mkdir()
    store.put(OIL)
    assert names(store) == {"ferry", "lamp", "oil"}
    assert not (generations / "draft").exists()
    assert store.problems() == []


@pytest.mark.parametrize("name", ["*.store", "*.faiss"])
def test_missing_and_short_files_are_found_when_opened(
    store: Embedded, tmp_path: Path, name: str
) -> None:
    (victim, *_) = store.store.generations.path(number(store)).rglob(name)
    content = victim.read_bytes()
    store.close()
    for damage in (lambda: victim.write_bytes(content[:-1]), victim.unlink):
        damage()
        fresh = Store(tmp_path / ".rag", TantivyEngine(language="en"), dense=True)
        with pytest.raises(IndexDamagedError, match="run 'rag repair'"), fresh.view(lambda: None):
            pass
        assert any(victim.name in line for line in problems(fresh))
        fresh.close()
    with store.store.writing() as writer:
        done = writer.repair()
    assert store.problems() == []
    if name == "*.store":
        assert done == ["search structures of 2 passages were built anew"]
    else:
        assert "2 documents without vectors were set aside" in done[0]
    store.put(FERRY, LAMP)
    assert names(store) == {"ferry", "lamp"}


def test_changed_bytes_are_found_by_verify(store: Embedded) -> None:
    folder = store.store.generations.path(number(store))
    victim = next((folder / "dense").glob("*.faiss"))
    content = bytearray(victim.read_bytes())
    content[-1] ^= 0xFF
    victim.write_bytes(content)
    store.close()
    assert any("is not what was written" in line for line in store.problems())


def test_texts_that_are_not_what_was_read_are_found(store: Embedded) -> None:
    with store.store.writing() as writer, writer.rows.transaction():
        (row,) = writer.rows.connection.execute("SELECT row FROM documents").fetchone()
        writer.rows.texts.drop(row)
        writer.rows.texts.put(row, "invented")
    found = store.problems()
    assert found == [
        "'ferry' does not say what was read of it",
        "passages that reach beyond their document: ferry#0-24",
    ]


def _vectors_of(store: Embedded, *documents: Document) -> Vectors:
    passages = [passage for one in documents for passage in one_passage(one)[1]]
    with store.view() as view:
        return view.vectors(passages)


def _pending(store: Embedded) -> int:
    with store.store.rows() as rows:
        (count,) = rows.connection.execute("SELECT count(*) FROM vectors").fetchone()
    return int(count)


def test_a_vector_is_kept_once(store: Embedded) -> None:
    assert _pending(store) == 0
    with store.store.writing() as writer:
        writer.remember([b"made"], store.encoder.encode_passages(["made and not yet committed"]))
        assert writer.missing([b"made", key_of(FERRY.text), b"new", b"new"]) == [b"new"]
        known = writer.vectors([b"made", key_of(FERRY.text), b"new"])
    assert set(known) == {b"made", key_of(FERRY.text)}
    assert _pending(store) == 1
    found = _vectors_of(store, FERRY)
    assert (found @ store.encoder.encode_passages([FERRY.text])[0]).item() > 0.999


def test_a_small_commit_shares_the_files_of_a_large_index(store: Embedded) -> None:
    store.put(*(whole(f"more{n}", f"passage number {n}") for n in range(400)))
    before = store.store.generations.path(number(store))
    large = [path for path in before.rglob("*") if path.stat().st_size > 10_000]
    assert any(path.suffix == ".faiss" for path in large)
    store.put(OIL)
    after = store.store.generations.path(number(store))
    shared = [path for path in large if path.name != "manifest.json"]
    assert all((after / path.relative_to(before)).samefile(path) for path in shared)


def test_a_chunker_that_invents_text_is_refused(store: Embedded) -> None:
    invented = replace(one_passage(OIL)[1][0], text="something else")
    with store.store.writing() as writer:
        writer.remember([b"k"], store.encoder.encode_passages(["something else"]))
        with pytest.raises(StoreError, match="the chunker is at fault"):
            writer.commit([Indexed(OIL, "1", [(invented, b"k")])])
    assert names(store) == {"ferry", "lamp"}


def test_a_writer_leaves_no_log_and_few_free_pages(store: Embedded, tmp_path: Path) -> None:
    store.put(*(whole(f"more{n}", f"passage number {n}") for n in range(400)))
    store.close()
    with store.store.rows() as rows:
        free, pages = (
            rows.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("freelist_count", "page_count")
        )
    assert free <= 0.02 * pages
    log = tmp_path / ".rag" / "index.db-wal"
    assert not log.exists() or log.stat().st_size == 0


def test_an_unchanged_passage_of_a_changed_document_keeps_its_vector(store: Embedded) -> None:
    """It comes from the generation that held the former version."""
    before = _vectors_of(store, FERRY)
    changed = replace(FERRY, title="Another title")
    with store.store.writing() as writer:
        key = key_of(FERRY.text)
        assert writer.missing([key]) == []
        writer.commit([Indexed(changed, "2", [(one_passage(changed)[1][0], key)])])
    np.testing.assert_array_equal(_vectors_of(store, changed), before)
    assert store.problems() == []


def test_vectors_follow_what_is_pruned_and_admitted(store: Embedded) -> None:
    before = _vectors_of(store, FERRY)
    with store.store.writing() as writer:
        (row,) = writer.rows.indexed([key_of(FERRY.text)]).values()
        writer.commit([], judged=[Verdicts("ferry", expelled=[(row, 0.1, "dull")])])
    assert names(store) == {"lamp"}
    assert _pending(store) == 1
    with store.store.writing() as writer:
        assert writer.missing([key_of(FERRY.text)]) == []
        (candidate,) = writer.rows.candidates("ferry")
        writer.commit([], judged=[Verdicts("ferry", admitted=[candidate.row or 0])])
    assert names(store) == {"ferry", "lamp"}
    assert _pending(store) == 0
    np.testing.assert_array_equal(_vectors_of(store, FERRY), before)
    with store.store.writing() as writer:
        (row,) = writer.rows.indexed([key_of(FERRY.text)]).values()
        writer.commit([], judged=[Verdicts("ferry", expelled=[(row, 0.1, "dull")])])
    store.commit([], ["ferry"])
    assert _pending(store) == 0
    assert store.problems() == []


def test_a_pruned_passage_outlives_an_equal_one_in_the_index(store: Embedded) -> None:
    twin = whole("twin", FERRY.text)
    with store.store.writing() as writer:
        key, (_, (passage,)) = key_of(FERRY.text), one_passage(twin)
        writer.commit([Indexed(twin, "1", [], [(Dropped(passage, 0.1, "dull"), key)])])
    assert _pending(store) == 0
    store.commit([], ["ferry"])
    assert _pending(store) == 1
    with store.store.writing() as writer:
        assert writer.missing([key]) == []


def test_repair_keeps_every_vector_that_is_intact(store: Embedded) -> None:
    for n in range(12):
        store.put(*(whole(f"more{n}-{m}", f"passage {m} of {n}") for m in range(2 + n % 3)))
    folder = store.store.generations.path(number(store)) / "dense"
    victims = sorted(folder.glob("*.faiss"), key=lambda path: path.stat().st_size)
    assert len(victims) > 1
    content = bytearray(victims[0].read_bytes())
    content[-1] ^= 0xFF
    victims[0].write_bytes(content)
    with store.store.rows() as rows:
        held = {name for name, _ in rows.sources()}
    before = _vectors_of(store, LAMP)
    store.close()
    with store.store.writing() as writer:
        done = writer.repair()
    with store.store.rows() as rows:
        left = {name for name, _ in rows.sources()}
    assert f"{len(held) - len(left)} documents without vectors were set aside" in done[0]
    assert 1 < len(left) < len(held)
    assert {"ferry", "lamp"} <= left
    np.testing.assert_array_equal(_vectors_of(store, LAMP), before)
    assert store.problems() == []


def test_repair_takes_a_lost_vector_from_an_equal_passage(store: Embedded) -> None:
    store.put(*(whole(f"more{n}", f"passage number {n}") for n in range(20)))
    store.put(whole("twin", FERRY.text))
    folder = store.store.generations.path(number(store)) / "dense"
    last = max(folder.glob("*.faiss"), key=lambda path: int(path.stem))
    last.unlink()
    store.close()
    with store.store.writing() as writer:
        assert writer.repair() == ["search structures of 23 passages were built anew"]
    np.testing.assert_array_equal(
        _vectors_of(store, whole("twin", FERRY.text)), _vectors_of(store, FERRY)
    )
    assert store.problems() == []


def test_damaged_database_is_a_line_of_verify(store: Embedded, tmp_path: Path) -> None:
    for n in range(40):
        store.put(whole(f"more{n}", f"passage number {n} " * 50))
    store.close()
    path = tmp_path / ".rag" / "index.db"
    content = bytearray(path.read_bytes())
    content[8_192:-4_096] = b"\xff" * (len(content) - 12_288)
    path.write_bytes(content)
    found = store.problems()
    assert found
    assert any("index.db" in line for line in found)


@pytest.mark.parametrize(
    "record", ["[]", "{}", '{"files": [1]}', '{"files": {"a": 1}}', "{", "\xff"]
)
def test_a_record_of_another_shape_is_damage(store: Embedded, record: str) -> None:
    folder = store.store.generations.path(number(store))
    (folder / "manifest.json").write_text(record, encoding="latin-1")
    store.close()
    with pytest.raises(IndexDamagedError, match="run 'rag repair'"), store.view():
        pass
    assert any("manifest.json cannot be read" in line for line in store.problems())


def test_what_an_engine_says_of_damage_is_cut_short(store: Embedded) -> None:
    meta = store.store.generations.path(number(store)) / "lexical" / "meta.json"
    meta.write_bytes(b"x" * meta.stat().st_size)
    store.close()
    with pytest.raises(IndexDamagedError, match="run 'rag repair'") as caught, store.view():
        pass
    assert len(str(caught.value)) < 300 + len(str(meta))


@pytest.mark.parametrize("victim", ["lexical/meta.json", "dense/segments.json"])
def test_building_on_a_damaged_generation_says_what_to_do(store: Embedded, victim: str) -> None:
    file = store.store.generations.path(number(store)) / victim
    file.write_bytes(b"x" * file.stat().st_size)
    with pytest.raises(IndexDamagedError, match="run 'rag repair'"):
        store.put(OIL)
    with store.store.writing() as writer:
        writer.repair()
    store.put(OIL)
    assert store.problems() == []


def test_a_search_structure_with_strange_passages_is_damage(store: Embedded) -> None:
    with store.store.writing() as writer, writer.rows.transaction():
        writer.rows.remove("ferry")
    with store.view() as view, pytest.raises(IndexDamagedError, match="run 'rag repair'"):
        _ = view.lexical([Variant("ferry")], 5)[0][0].id


# Whose folder it is


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("build\n")
    (tmp_path / "letter.txt").write_text("Dear reader")
    with pytest.raises(
        RequestError, match=r"holds other things \(letter.txt\) .* such as '.*\.rag'"
    ):
        Embedded(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "letter.txt"]
    (tmp_path / "letter.txt").unlink()
    Embedded(tmp_path).close()
    assert (tmp_path / ".gitignore").read_text() == "build\n"


def test_the_log_of_a_database_that_was_removed_is_not_taken(
    store: Embedded, tmp_path: Path
) -> None:
    database = tmp_path / ".rag" / "index.db"
    log = database.with_name("index.db-wal")
    with store.view():
        store.put(OIL)
        content = log.read_bytes()
    store.close()
    assert content
    database.unlink()
    log.write_bytes(content)
    again = Embedded(tmp_path / ".rag")
    assert again.problems() == []
    assert names(again) == set()
    again.close()


def test_who_may_read_the_folder_may_read_every_file(store: Embedded, tmp_path: Path) -> None:
    folder = store.store.generations.path(number(store))
    (tmp_path / "ordinary").touch()
    expected = (tmp_path / "ordinary").stat().st_mode
    assert {path.stat().st_mode for path in folder.rglob("*") if path.is_file()} == {expected}


def test_a_folder_that_cannot_be_written_is_searched(
    store: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    folder = store.store.generations.path(number(store)) / "lexical"
    held = sorted(folder.iterdir())
    monkeypatch.setattr("os.access", lambda *_: False)
    fresh = Store(store.store.folder, store.engine, dense=False)
    with fresh.view(lambda: None) as view:
        assert [p.document_id for p, _ in view.lexical([Variant("ferry")], 5)] == ["ferry"]
    fresh.close()
    assert sorted(folder.iterdir()) == held  # tantivy's lock, among others, stays out


def test_a_generation_that_may_not_be_read_is_not_damage(
    store: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    store.close()
    monkeypatch.setattr(generation, "_checksums", refuse)
    with pytest.raises(StoreError, match="give yourself leave") as caught, store.view():
        pass
    assert not isinstance(caught.value, IndexDamagedError)


def test_no_index(tmp_path: Path) -> None:
    with pytest.raises(NoIndexError, match="run 'rag index FOLDER' first"):
        Store(tmp_path, None, dense=False).meta("pipeline")


# One writer at a time

_HOLDER = """
import sys, time
from pathlib import Path
from rag.store.lock import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_second_writer_is_refused_until_the_first_is_killed(
    store: Embedded, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", _HOLDER, str(tmp_path / ".rag")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(IndexBusyError, match=f"written by process {holder.pid}, since .*:.*"):
            store.put(OIL)
        assert names(store) == {"ferry", "lamp"}
        os.kill(holder.pid, signal.SIGKILL)
    store.put(OIL)
    assert names(store) == {"ferry", "lamp", "oil"}


def test_second_writer_in_the_process_is_refused(store: Embedded) -> None:
    with store.store.writing(), pytest.raises(IndexBusyError, match=f"process {os.getpid()}"):
        store.put(OIL)
    store.put(OIL)


# Rebuilding


def fill(draft: Store, store: Embedded, *documents: Any) -> None:
    with draft.writing() as writer:
        for document in documents:
            key = key_of(document.text)
            writer.remember([key], store.encoder.encode_passages([document.text]))
            writer.commit([Indexed(document, "1", [(one_passage(document)[1][0], key)])])


def test_former_index_serves_until_the_new_one_is_adopted(store: Embedded, tmp_path: Path) -> None:
    draft = store.store.rebuilt({"chunk": "other"}, None)
    fill(draft, store, OIL)
    assert names(store) == {"ferry", "lamp"}
    with store.view() as view:
        store.store.adopt(draft)
        assert view.document("ferry") is not None
        assert [p.document_id for p, _ in view.lexical([Variant("ferry")], 3)] == ["ferry"]
    assert names(store) == {"oil"}
    assert store.store.meta("pipeline") == {"chunk": "other"}
    assert store.problems() == []
    assert not (tmp_path / ".rag" / "rebuild").exists()
    store.put(FERRY)
    assert names(store) == {"ferry", "oil"}


def test_interrupted_rebuild_goes_on(store: Embedded) -> None:
    draft = store.store.rebuilt({"chunk": "other"}, None)
    fill(draft, store, OIL)
    draft.close()
    again = store.store.rebuilt({"chunk": "other"}, None)
    with again.rows() as rows:
        assert [name for name, _ in rows.sources()] == ["oil"]
    again.close()
    third = store.store.rebuilt({"chunk": "third"}, None)
    with third.rows() as rows:
        assert list(rows.sources()) == []
    third.close()


def test_adoption_stopped_before_the_database_is_harmless(
    store: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = store.store.rebuilt({"chunk": "other"}, None)
    fill(draft, store, OIL)
    # Between the copy of the generation and the copy of the database.
    monkeypatch.setattr(draft, "rows", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        store.store.adopt(draft)
    monkeypatch.undo()
    assert names(store) == {"ferry", "lamp"}
    assert store.problems() == []
    store.put(OIL)
    assert names(store) == {"ferry", "lamp", "oil"}
    store.store.adopt(store.store.rebuilt({"chunk": "other"}, None))
    assert names(store) == {"oil"}
    assert store.problems() == []


# Full disks


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("holder", "name"),
    [
        (folders, "_fsync"),
        (generation, "publish"),
        (generation, "make_durable"),
        (TantivyEngine, "update"),
        (Path, "write_text"),
    ],
)
def test_a_write_that_finds_no_space(
    store: Embedded, monkeypatch: pytest.MonkeyPatch, holder: Any, name: str
) -> None:
    monkeypatch.setattr(holder, name, full)
    with pytest.raises(DiskFullError, match=r"no space left for the index .* it is as it was"):
        store.put(OIL)
    monkeypatch.undo()
    _as_it_was(store)


def _as_it_was(store: Embedded) -> None:
    assert names(store) == {"ferry", "lamp"}
    assert store.problems() == []
    store.put(OIL)
    assert names(store) == {"ferry", "lamp", "oil"}
    assert store.problems() == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        done = False
    if not done:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_full_disk(small_disk: Path) -> None:
    store = Embedded(small_disk / ".rag")
    store.put(FERRY, LAMP)
    assert names(store) == {"ferry", "lamp"}
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        _until_full(lambda: file.write(b"\0" * 65_536))
    with pytest.raises(DiskFullError, match="free some space"):
        store.put(OIL, *(whole(f"w{n}", f"{n} gulls " * 200) for n in range(200)))
    assert names(store) == {"ferry", "lamp"}
    ballast.unlink()
    _as_it_was(store)
    store.close()


def _until_full(write: Callable[[], object]) -> None:
    for _ in range(200):
        try:
            write()
        except OSError as error:
            assert error.errno == errno.ENOSPC
            return


def test_errors_are_one_line(store: Embedded, tmp_path: Path) -> None:
    (tmp_path / ".rag" / "index.db").write_bytes(b"x" * 5_000)
    (tmp_path / ".rag" / "index.db-wal").unlink(missing_ok=True)
    started = time.perf_counter()
    with pytest.raises(RagError) as caught:
        Store(tmp_path / ".rag", None, dense=False).meta("pipeline")
    assert "\n" not in str(caught.value)
    assert time.perf_counter() - started < 5
