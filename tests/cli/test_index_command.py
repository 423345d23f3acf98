import json
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from cli_command import RAG, Command, environment, write_documents

from rag.rag import Rag
from rag.store.lock import writer_lock

SLOW_FORMAT = """
import os, pathlib, time
from rag.connectors.formats.format import Parsed

class SlowFormat:
    name, extensions, media_types, version = "Slow", (".slow",), (), 1

    def parse(self, data, name):
        pathlib.Path(os.environ["MARKER"]).touch()
        time.sleep(float(os.environ["PAUSE"]))
        return Parsed(data.decode())
"""


@pytest.fixture
def rag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    write_documents(tmp_path)
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


def test_a_run_says_what_it_did(rag: Command, tmp_path: Path) -> None:
    first = rag("index", "docs", "--pipeline", "bm25")
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith(f"3 documents, 3 passages in {tmp_path / '.rag'}\n3 added, 0 cha")
    Path("docs/boats.txt").unlink()
    Path("docs/handbook.md").write_text("Another text altogether.")
    second = rag("index", "docs", "--json")
    assert {key: value for key, value in second.json.items() if key != "seconds"} == {
        "added": 0, "changed": 1, "removed": 1, "unchanged": 1, "documents": 2, "passages": 2,
        "pruned": 0, "failed": [], "skipped": {}, "moved": 0, "read": 24,
    }  # fmt: skip
    assert second.json["seconds"] >= 0


def test_rebuilding_makes_everything_anew(rag: Command) -> None:
    rag("index", "docs", "--pipeline", "bm25")
    again = rag("index", "docs", "--rebuild", "--json", "--set", "index.chunk.max_tokens=8")
    assert (again.code, again.json["added"]) == (0, 3)
    assert again.json["passages"] > 3


def test_another_index_part_is_refused(rag: Command) -> None:
    rag("index", "docs", "--pipeline", "bm25")
    refused = rag("index", "docs", "--set", "index.chunk.max_tokens=8")
    assert refused.code == 2
    assert "rag index --rebuild" in refused.err
    assert "index.chunk.max_tokens" in refused.err


def test_files_that_cannot_be_read_are_listed(rag: Command) -> None:
    Path("docs/broken.pdf").write_bytes(b"no pdf")
    Path("docs/picture.png").write_bytes(b"x")
    Path("docs/README").write_bytes(b"x")
    some = rag("index", "docs", "--pipeline", "bm25")
    assert some.code == 1
    assert "rag: docs/broken.pdf: " in some.err
    assert "rag: 2 files passed over: 1 without extension, 1 .png\n" in some.err
    assert ", 1 failed in " in some.out
    as_json = rag("index", "docs", "--json")
    assert as_json.code == 1
    assert as_json.json["failed"][0]["source"] == "docs/broken.pdf"
    assert as_json.json["skipped"] == {".png": 1, "": 1}


def test_no_such_path(rag: Command) -> None:
    missing = rag("index", "nowhere", "--pipeline", "bm25")
    assert (missing.code, missing.out) == (2, "")
    assert missing.err == "rag: no such file or folder: 'nowhere'; check the spelling\n"
    assert not Path(".rag").exists()


def test_every_missing_path_is_named(rag: Command) -> None:
    missing = rag("index", "nowhere", "", "docs", "gone", "--pipeline", "bm25")
    assert missing.code == 2
    assert missing.err == "rag: no such file or folder: 'nowhere', '', 'gone'; check the spelling\n"


@pytest.mark.parametrize("folder", ["docs", ""])
def test_an_index_is_not_strewn_among_other_files(rag: Command, folder: str) -> None:
    before = sorted(Path().rglob("*"))
    refused = rag("index", "docs", "--pipeline", "bm25", "--index", folder)
    assert (refused.code, "holds other things" in refused.err) == (2, True)
    assert sorted(Path().rglob("*")) == before


def test_a_place_that_may_not_be_written(rag: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    refused = rag("index", "docs", "--pipeline", "bm25", "--index", "new")
    assert refused.code == 2
    assert (
        refused.err == "rag: new: permission denied; give yourself leave, or name another folder\n"
    )


def test_a_folder_without_documents(rag: Command) -> None:
    Path("empty").mkdir()
    Path("empty/picture.png").write_bytes(b"x")
    nothing = rag("index", "empty", "--pipeline", "bm25")
    assert nothing.code == 2
    assert nothing.err.startswith("rag: no documents found in empty (1 file passed over: 1 .png); ")
    assert "markdown" in nothing.err.partition("formats read: ")[2]
    assert not Path(".rag").exists()


def test_a_folder_that_was_emptied_empties_its_part_of_the_index(rag: Command) -> None:
    rag("index", "docs", "--pipeline", "bm25")
    for path in Path("docs").rglob("*.*"):
        path.unlink()
    refused = rag("index", "docs", "--rebuild")
    assert (refused.code, "no documents found" in refused.err) == (2, True)
    emptied = rag("index", "docs", "--json")
    assert (emptied.code, emptied.json["removed"], emptied.json["documents"]) == (0, 3, 0)


def test_a_second_writer_is_told_who_writes(rag: Command) -> None:
    rag("index", "docs", "--pipeline", "bm25")
    with writer_lock(Path(".rag")):
        busy = rag("index", "docs")
    assert busy.code == 2
    assert f"is being written by process {os.getpid()}, since " in busy.err


def test_an_index_of_a_newer_version(rag: Command) -> None:
    rag("index", "docs", "--pipeline", "bm25")
    connection = sqlite3.connect(".rag/index.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for arguments in (["index", "docs"], ["status"], ["search", "ferry"], ["verify"]):
        newer = rag(*arguments)
        assert (newer.code, "written by a newer ragline (format 99" in newer.err) == (2, True)


def test_a_bar_on_a_terminal(tmp_path: Path) -> None:
    write_documents(tmp_path)
    ours, theirs = os.openpty()
    command = [*RAG, "index", "docs", "--pipeline", "bm25"]
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        running = subprocess.Popen(
            command, cwd=tmp_path, env=environment(TERM="xterm", COLUMNS="120"),
            stdout=subprocess.DEVNULL, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        try:
            while chunk := terminal.read(4096):
                shown += chunk
        except OSError:  # how a terminal whose other end has closed says so
            pass
        assert running.wait() == 0
    assert b"3 of 3 documents, 3 passages" in shown


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_a_good_index(tmp_path: Path, stop: signal.Signals, code: int) -> None:
    write_documents(tmp_path)
    (tmp_path / "docs" / "z.slow").write_text("A document that is slow to read.")
    marker = tmp_path / "marker"
    slow = environment(PYTHONPATH=_plug_in(tmp_path), MARKER=str(marker), PAUSE="60")
    command = [*RAG, "index", "docs", "--pipeline", "bm25"]
    running = subprocess.Popen(
        command, cwd=tmp_path, env=slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not marker.exists() and running.poll() is None:
        time.sleep(0.02)
    running.send_signal(stop)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (code, b"")
    assert err == (
        b"rag: stopped; what was finished is kept; run the same command again to go on\n"
    )
    with closing(Rag.open(tmp_path)) as left:
        assert left.verify() == []
    again = subprocess.run(
        command, cwd=tmp_path, env={**slow, "PAUSE": "0"}, capture_output=True, check=True
    )
    assert again.stdout.startswith(b"4 documents, ")
    with closing(Rag.open(tmp_path)) as left:
        assert left.verify() == []


def _plug_in(folder: Path) -> str:
    """A place on the import path where a format registers itself as a stranger's would."""
    place = folder / "plugin"
    record = place / "slow-1.dist-info"
    record.mkdir(parents=True)
    (place / "slow_format.py").write_text(SLOW_FORMAT)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: slow\nVersion: 1\n")
    (record / "entry_points.txt").write_text("[rag.formats]\nslow = slow_format:SlowFormat\n")
    return str(place)


def test_a_dry_run_says_what_would_be_done_and_does_nothing(rag: Command) -> None:
    planned = rag("index", "docs", "--dry-run", "--pipeline", "bm25")
    assert (planned.code, planned.err) == (0, "")
    assert planned.out.splitlines()[:2] == ["add     docs/boats.txt", "add     docs/handbook.md"]
    assert "3 to add, 0 to change, 0 to remove, 0 to fail, 0 unchanged" in planned.out
    assert "nothing was done" in planned.out
    assert not Path(".rag").exists()
    shape = rag("index", "docs", "--dry-run", "--json").json
    assert shape["added"] == ["docs/boats.txt", "docs/handbook.md", "docs/odd/marks.md"]
    assert set(shape) == {
        "added", "changed", "removed", "unchanged", "failed", "seconds", "basis",
    }  # fmt: skip


def test_documents_are_removed_by_name(rag: Command) -> None:
    rag("index", "docs", "--pipeline", "bm25")
    removed = rag("remove", "docs/odd", "docs/*.txt")
    assert removed.out.splitlines()[:2] == ["removed docs/boats.txt", "removed docs/odd/marks.md"]
    assert rag("status", "--json").json["documents"] == 1
    again = rag("remove", "docs/odd")
    assert again.code == 2
    assert again.err.startswith("rag: no document 'docs/odd' in the index")


def test_failures_are_kept_with_what_they_left_behind(rag: Command) -> None:
    rag("index", "docs", "--pipeline", "bm25")
    Path("docs/boats.txt").write_bytes(b"\0\1")
    Path("docs/new.txt").write_bytes(b"\0\1")
    assert rag("index", "docs").code == 1
    told = rag("status", "--failures").out.splitlines()
    assert told[0].startswith("docs/boats.txt: is binary, not text")
    assert "(stale: an earlier version stays in the index) [since 20" in told[0]
    assert "stale" not in told[1]
    assert told[2] == (
        "2 sources could not be read; of 1 the last version that could be read is kept; "
        "each is tried again when its source is indexed again"
    )
    assert [one["stale"] for one in rag("status", "--failures", "--json").json] == [True, False]
    hit = rag("search", "Aurelia").out.splitlines()[0]
    assert hit.endswith("docs/boats.txt, an earlier version: it could not be read since")
    assert rag("search", "Aurelia", "--json").json["hits"][0]["stale"] is True
    asked = "How many passengers does the ferry Aurelia carry?"
    assert "docs/boats.txt, an earlier version" in rag("ask", asked).out
    assert rag("ask", asked, "--json").json["citations"][0]["stale"] is True
    Path("docs/new.txt").unlink()
    Path("docs/boats.txt").write_text("The ferry Aurelia carries ninety passengers.")
    assert rag("index", "docs").code == 0
    assert rag("status", "--failures").out == "0 sources could not be read\n"


def test_what_does_not_go_together_is_refused(rag: Command) -> None:
    refused = rag("index", "docs", "--watch", "--dry-run")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("rag: --rebuild, --dry-run and --watch do not go together")


def test_watching_goes_on_until_it_is_stopped(tmp_path: Path) -> None:
    write_documents(tmp_path)
    command = [*RAG, "index", "docs", "--watch", "--pipeline", "bm25", "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["added"] == 3
        (tmp_path / "docs" / "new.txt").write_text("A heron.")
        assert json.loads(running.stdout.readline())["added"] == 1
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
        assert running.returncode == 0
    assert errors.decode().splitlines() == [
        "rag: watching; stop with Ctrl-C",
        "rag: stopped watching; the index says what the files said last",
    ]
