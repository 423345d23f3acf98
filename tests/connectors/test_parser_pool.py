"""Files are read in other processes, which may hang, crash and overeat: this one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostile import installed

from rag.connectors.formats.catalogue import by_extension
from rag.connectors.formats.format import Format, Parsed
from rag.connectors.formats.text import TextFormat
from rag.connectors.parsing.here import parse_here
from rag.connectors.parsing.pool import ParserPool
from rag.errors import DocumentError, RequestError, SourceError
from rag.types import Block

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces it")


@pytest.fixture(scope="module", autouse=True)
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with installed(tmp_path_factory.mktemp("plugin")) as folder:
        yield folder


@pytest.fixture(scope="module")
def shared(plugin: Path) -> Iterator[ParserPool]:
    with ParserPool(workers=1, memory=300_000_000) as pool:
        yield pool


def hostile() -> Format:
    return by_extension()[".hostile"]


def do(pool: ParserPool, act: str) -> str:
    return pool.parse(hostile(), act.encode(), f"{act}.hostile").text


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def test_it_gives_what_parsing_here_gives(shared: ParserPool) -> None:
    samples = {
        ".txt": "Ein Absatz.\n\n\u05e9\u05dc \U0001d538 e\u0301".encode(),
        ".md": b"---\ntitle: T\n---\n# One\n\ntext\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        ".html": b"<title>T</title><h1>One</h1><p>text</p><ul><li>item</li></ul>",
        ".csv": b"Name,Fee\nAln,1\nSkerrin,2\n",
        ".hostile": b"rich",
    }
    for extension, data in samples.items():
        reader = by_extension()[extension]
        assert shared.parse(reader, data, "a" + extension) == parse_here(reader, data, "a")
    rich = shared.parse(hostile(), b"rich", "a")
    assert rich.blocks[0] == Block(
        1, 3, "table", 7, ("A", "\u05d0"), "sheet \U0001d538", 4, "a | b"
    )
    assert rich.metadata == {"pages": 3, "share": 0.5, "draft": True, "author": "\U0001d538"}


@pytest.mark.parametrize(
    "data",
    [b"", b" \n\t", b"\x00\x01\x02", b"raise", b"refuse", b"verbose", b"extra"],
)
def test_it_refuses_as_parsing_here_does(shared: ParserPool, data: bytes) -> None:
    reader = hostile() if data.isalpha() else TextFormat()
    with pytest.raises(DocumentError) as here:
        parse_here(reader, data, "a")
    with pytest.raises(DocumentError) as there:
        shared.parse(reader, data, "a")
    assert str(there.value) == str(here.value)
    assert len(str(here.value)) <= 400
    assert "\n" not in str(here.value)


def test_an_extra_that_is_missing_is_named(shared: ParserPool) -> None:
    with pytest.raises(DocumentError, match=r"^text in images needs the extra 'ocr': pip install"):
        do(shared, "extra")


def test_text_that_no_index_takes_is_left_to_the_index(shared: ParserPool) -> None:
    assert do(shared, "half") == "half \ud800"


def test_a_name_may_have_bytes_that_are_no_text(shared: ParserPool) -> None:
    assert shared.parse(TextFormat(), b"text", "na\udcffme.txt").text == "text"


def test_a_process_is_reused(shared: ParserPool) -> None:
    first = do(shared, "pid")
    assert int(first) != os.getpid()
    assert do(shared, "pid") == first
    with pytest.raises(DocumentError):
        do(shared, "refuse")
    assert do(shared, "pid") == first


def test_what_a_library_prints_is_no_reply(
    shared: ParserPool, capfd: pytest.CaptureFixture[str]
) -> None:
    assert do(shared, "print") == "quiet"
    assert do(shared, "read") == "b''"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("act", "says"),
    [
        ("segfault", r"^crashed its reader \(signal 11\); it is probably damaged: save it anew$"),
        ("abort", r"^crashed its reader \(signal 6: bad heap \[31m\); it is probably damaged"),
        ("leave", r"^crashed its reader \(exit code 3\)"),
        ("bad_alloc", r"^needs more than 0\.3 GB of memory to read; split it$"),
        ("recurse", r"^cannot be read as hostile: RecursionError"),
        ("object", r"^cannot be handed over: Object of type object is not JSON"),
    ],
)
def test_a_crash_is_an_error_of_the_file(
    shared: ParserPool, capfd: pytest.CaptureFixture[str], act: str, says: str
) -> None:
    before = int(do(shared, "pid"))
    with pytest.raises(DocumentError, match=says) as caught:
        do(shared, act)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
    after = int(do(shared, "pid"))
    assert before == after or not is_alive(before), "no zombie is left"


@LINUX
@pytest.mark.parametrize("act", ["eat", "nibble", "starve"])
def test_memory_is_limited(shared: ParserPool, act: str) -> None:
    with pytest.raises(DocumentError, match=r"^needs more than 0\.3 GB of memory to read; split"):
        do(shared, act)
    assert do(shared, "well") == "well"


def test_time_is_limited() -> None:
    with ParserPool(workers=1, seconds=1.5) as pool:
        before = int(do(pool, "pid"))
        started = time.perf_counter()
        with pytest.raises(DocumentError, match=r"^took longer than 1\.5 s to read; split it$"):
            do(pool, "spin")
        assert 1.4 < time.perf_counter() - started < 5
        assert not is_alive(before)
        assert do(pool, "well") == "well"


def test_text_is_limited() -> None:
    with ParserPool(workers=1, characters=1_000_000) as pool:
        with pytest.raises(DocumentError, match="holds more than 1,000,000 characters of text"):
            do(pool, "long")
        assert do(pool, "well") == "well"


def test_a_file_is_not_blamed_for_those_before_it(shared: ParserPool) -> None:
    do(shared, "segfault later")
    assert do(shared, "well") == "well"


def test_a_process_is_replaced_after_so_many_files_and_when_it_has_grown() -> None:
    with ParserPool(workers=1, files=3, memory=1_000_000_000) as pool:
        pids = [do(pool, "pid") for _ in range(7)]
        assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]
    if sys.platform == "linux":
        with ParserPool(workers=1, memory=200_000_000) as pool:
            assert do(pool, "grow") != do(pool, "pid")


def test_as_many_run_at_once_as_there_are_workers() -> None:
    with ParserPool(workers=2) as pool, ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: do(pool, "nap"), range(2)))
        started = time.perf_counter()
        assert list(threads.map(lambda _: do(pool, "nap"), range(6))) == ["rested"] * 6
        taken = time.perf_counter() - started
        assert 0.85 < taken < 1.7, "six naps of 0.3 s by two"
        assert len(set(threads.map(lambda _: do(pool, "pid"), range(20)))) <= 2


def test_processes_start_when_they_are_needed_and_end_with_the_pool(tmp_path: Path) -> None:
    pool = ParserPool(workers=4)
    process = int(do(pool, "pid"))
    made = Path(do(pool, "temporary"))
    assert made.is_file()
    assert int(do(pool, "pid")) == process
    pool.close()
    assert not is_alive(process)
    assert not made.parent.exists(), "its temporary files go with it"
    pool.close()
    with pytest.raises(DocumentError, match="was not read: reading has been stopped"):
        do(pool, "pid")


def test_closing_ends_what_is_being_read() -> None:
    pool = ParserPool(workers=1)
    do(pool, "pid")
    errors: list[str] = []

    def read() -> None:
        try:
            do(pool, "spin")
        except DocumentError as error:
            errors.append(str(error))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    time.sleep(0.2)
    pool.close()
    for reader in readers:
        reader.join(10)
    assert errors == ["was not read: reading has been stopped"] * 3


def test_a_process_is_bare(shared: ParserPool, plugin: Path) -> None:
    heavy, threads, core, size, folder, temporary = do(shared, "environment").rsplit(" ", 5)
    assert (heavy, threads) == ("[]", "1")
    assert (core, int(size.rstrip("]"))) == ("[0,", 128 * 2**20)
    assert folder == temporary
    assert Path(folder).name.startswith("ragline-")
    assert do(shared, "session") == "True"


def test_a_format_does_not_reach_the_network(shared: ParserPool) -> None:
    with pytest.raises(DocumentError, match="nothing on the network"):
        do(shared, "connect")


def test_a_folder_is_not_imported_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('taken from the working folder')")
    monkeypatch.chdir(tmp_path)
    with ParserPool(workers=1) as pool:
        assert do(pool, "well") == "well"


class StrangeFormat(TextFormat):
    """Registered nowhere."""


class ToldFormat(TextFormat):
    def __init__(self, told: str = "") -> None:
        self.told = told


def test_a_format_that_the_process_cannot_make_is_refused(
    shared: ParserPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "^text is no registered format and cannot be read in another process; register it"
    with pytest.raises(DocumentError, match=told):
        shared.parse(StrangeFormat(), b"text", "a.txt")
    changed = TextFormat()
    changed.version = 7
    with pytest.raises(DocumentError, match=told):
        shared.parse(changed, b"text", "a.txt")


@pytest.mark.parametrize("program", ["/no/such/python", "", sys.executable])
def test_a_program_that_cannot_start(
    monkeypatch: pytest.MonkeyPatch, program: str, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    if program == sys.executable and program:
        # An interpreter that does not know this package.
        bare = tmp_path / "bare"
        bare.write_text(f'#!/bin/sh\nexec "{program}" -S -c "raise OSError(1, \'no home\')"\n')
        bare.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(bare))
    with ParserPool(workers=1) as pool:
        for _ in range(2):
            with pytest.raises(SourceError, match=r"^no process to read files in can be started"):
                do(pool, "well")


def test_no_workers_is_a_mistake() -> None:
    with pytest.raises(RequestError, match="workers is 0; it must be 1 or more"):
        ParserPool(workers=0)


PROGRAM = """
import signal, sys
# A shell that runs the tests in the background has its children ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
from rag.connectors.formats.catalogue import by_extension
from rag.connectors.parsing.pool import ParserPool

pool = ParserPool(workers=1)
reader = by_extension()[".hostile"]
print(pool.parse(reader, b"pid", "a").text, flush=True)
{}
"""
SPIN = 'pool.parse(reader, b"spin", "a")'


def run_program(last: str) -> tuple[subprocess.Popen[str], int]:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(last)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert program.stdout is not None
    line = program.stdout.readline()
    if not line.strip():
        raise AssertionError(program.communicate()[1])
    return program, int(line)


@LINUX
@pytest.mark.parametrize("last", [SPIN, "sys.stdin.read()"])
def test_processes_die_with_their_parent(last: str) -> None:
    program, process = run_program(last)
    time.sleep(0.3)
    program.kill()
    program.communicate()
    assert wait_until(lambda: not is_alive(process))


def test_ctrl_c_ends_everything_and_only_the_parent_speaks() -> None:
    program, process = run_program(f"with pool:\n    {SPIN}")
    time.sleep(0.3)
    os.killpg(program.pid, signal.SIGINT)
    try:
        stderr = program.communicate(timeout=20)[1]
    except subprocess.TimeoutExpired:
        program.kill()
        stderr = program.communicate()[1]
    assert stderr.count("Traceback") == 1
    assert stderr.rstrip().endswith("KeyboardInterrupt")
    assert wait_until(lambda: not is_alive(process))


def test_a_program_that_forgets_to_close_ends_nonetheless() -> None:
    program, process = run_program("")
    stderr = program.communicate(timeout=20)[1]
    assert program.returncode == 0
    assert "Traceback" not in stderr
    assert wait_until(lambda: not is_alive(process))


def test_a_parse_may_be_what_a_connector_is_given(shared: ParserPool, tmp_path: Path) -> None:
    from rag.connectors.files import FilesConnector
    from rag.types import Item

    (tmp_path / "a.md").write_text("# One\n\ntext")
    (tmp_path / "b.hostile").write_text("segfault")
    read: list[Parsed | str] = []
    for item in FilesConnector(paths=[tmp_path], parse=shared.parse).items():
        assert isinstance(item, Item)
        try:
            read.append(item.load().title)
        except DocumentError as error:
            read.append(str(error)[:18])
    assert read == ["One", "crashed its reader"]
