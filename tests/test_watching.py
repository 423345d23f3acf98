"""Following files as they change."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from rag import Rag
from rag.connectors.chain import Chain
from rag.connectors.files import FilesConnector
from rag.errors import SourceError
from rag.indexing import IndexReport
from rag.store.lock import writer_lock

PATIENCE = 20.0


@pytest.fixture
def rag(tmp_path: Path) -> Iterator[Rag]:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("a", "b", "c"):
        (docs / f"{name}.md").write_text(f"The lamp of pier {name} is lit at dusk.")
    made = Rag.open(tmp_path / ".rag", pipeline="bm25")
    yield made
    made.close()


@contextmanager
def watching(rag: Rag, folder: Path) -> Iterator[list[IndexReport]]:
    """`folder` watched in a thread, once it has been indexed."""
    stop = Event()
    reports: list[IndexReport] = []
    follower = threading.Thread(
        target=lambda: reports.extend(iter_into(rag.watch(folder, stop=stop), reports))
    )
    follower.start()
    try:
        until(lambda: bool(reports))
        yield reports
    finally:
        stop.set()
        follower.join(PATIENCE)
        assert not follower.is_alive()


def iter_into(found: Iterator[IndexReport], reports: list[IndexReport]) -> list[IndexReport]:
    for report in found:
        reports.append(report)
    return []


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def sources(rag: Rag, word: str) -> set[str]:
    return {hit.passage.source for hit in rag.search(word).hits}


def test_what_is_saved_is_found_and_what_is_gone_is_not(rag: Rag, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    with watching(rag, docs):
        (docs / "new.md").write_text("A heron stands in the shallows.")
        until(lambda: sources(rag, "heron") == {"docs/new.md"})
        (docs / "new.md").write_text("A cormorant stands in the shallows.")
        until(lambda: sources(rag, "cormorant") == {"docs/new.md"})
        assert sources(rag, "heron") == set()
        (docs / "new.md").unlink()
        until(lambda: sources(rag, "cormorant") == set())
        shutil.copytree(docs, docs / "deep" / "er")
        until(lambda: len(sources(rag, "lamp")) == 6)
        shutil.rmtree(docs / "deep")
        until(lambda: len(sources(rag, "lamp")) == 3)
    assert rag.verify() == []


def test_a_changed_rule_of_what_to_ignore_is_followed(rag: Rag, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    with watching(rag, docs):
        (docs / ".ragignore").write_text("b.md\n")
        until(lambda: sources(rag, "lamp") == {"docs/a.md", "docs/c.md"})


def test_changes_wait_while_another_writes(rag: Rag, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    with watching(rag, docs):
        with writer_lock(rag.folder):
            (docs / "new.md").write_text("A heron stands in the shallows.")
            time.sleep(0.8)
        until(lambda: sources(rag, "heron") == {"docs/new.md"})


def test_a_bad_save_keeps_the_last_good_version(rag: Rag, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    with watching(rag, docs) as reports:
        (docs / "a.md").write_bytes(b"\x00\x01\x02")
        until(lambda: any(report.failed for report in reports))
        (hit,) = (one for one in rag.search("pier").hits if one.passage.source == "docs/a.md")
        assert hit.passage.metadata["stale"] is True
        (docs / "a.md").write_text("The pier is closed.")
        until(lambda: not rag.failures())
        (hit,) = (one for one in rag.search("closed").hits if one.passage.source == "docs/a.md")
        assert "stale" not in hit.passage.metadata


def test_only_files_can_be_watched(rag: Rag, tmp_path: Path) -> None:
    other = Chain({"a": FilesConnector(paths=[tmp_path])})
    with pytest.raises(SourceError, match="only files and folders"):
        next(rag.watch(other))


def test_a_part_of_the_files_lists_and_covers_that_part(rag: Rag, tmp_path: Path) -> None:
    (tmp_path / "docs" / "sub").mkdir()
    (tmp_path / "docs" / "sub" / "d.md").write_text("Deep.")
    whole = FilesConnector(paths=[tmp_path / "docs"], base=tmp_path)
    part = whole.narrowed({str(tmp_path / "docs" / "sub"), str(tmp_path / "docs" / "a.md")})
    assert part is not None
    assert [one.source for one in part.items()] == ["docs/a.md", "docs/sub/d.md"]
    assert part.covers("docs/sub/gone.md") and not part.covers("docs/b.md")
    assert len(list(whole.items())) == 4
    assert whole.narrowed({str(tmp_path / "docs" / ".gitignore")}) is None
    assert whole.narrowed({str(tmp_path / "elsewhere.md")}) is None
