"""A model is converted once, whoever asks; what is damaged or half done is never used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tiny_conversion import GIVEN, TinyConversion

from rag.errors import ConversionError
from rag.runtime.cache import graphs_folder, open_graph
from rag.runtime.graph import Graph
from rag.runtime.record import Record, records

_SCRIPT = """
import sys
from pathlib import Path
from rag.runtime.cache import open_graph
from tiny_conversion import TinyConversion
open_graph(TinyConversion(Path(sys.argv[1]), seconds=float(sys.argv[2])), "float32")
"""


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "exports.log"


def exports(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def the_folder() -> Path:
    (folder,) = (path for path in graphs_folder().iterdir() if path.is_dir())
    return folder


def right(graph: Graph) -> bool:
    return np.allclose(
        graph.run(given=GIVEN)["product"], TinyConversion().expected(GIVEN), atol=1e-4
    )


def started(log: Path, seconds: float) -> subprocess.Popen[bytes]:
    here = Path(__file__).parent
    arguments = [sys.executable, "-c", _SCRIPT, str(log), str(seconds)]
    paths = os.pathsep.join((str(here), str(here.parent.parent)))
    return subprocess.Popen(arguments, env={**os.environ, "PYTHONPATH": paths})


def test_it_is_converted_once(log: Path) -> None:
    made = open_graph(TinyConversion(log), "float32")
    kept = open_graph(TinyConversion(log), "float32")
    assert exports(log) == 1
    assert right(made) and right(kept)
    assert kept.agreement == pytest.approx(1.0, abs=1e-5)
    assert kept.facts == made.facts == {"width": 64}
    assert kept.inputs == {"given"}
    open_graph(TinyConversion(log, key="tiny 2"), "float32")
    assert exports(log) == 2
    assert [(one.model, one.precision) for one in records(graphs_folder())] == [
        ("tiny", "float32")
    ] * 2


def test_int8_is_near_and_small(log: Path) -> None:
    graph = open_graph(TinyConversion(log), "int8")
    assert 0.99 <= graph.agreement < 1
    small = (the_folder() / "graph.blob").stat().st_size
    assert small < 3 * 64 * 64 + 8_000
    assert open_graph(TinyConversion(log), "int8").agreement == graph.agreement
    assert exports(log) == 1


@pytest.mark.parametrize("damage", ["byte", "cut", "gone", "record", "nonsense"])
def test_what_is_damaged_is_converted_again(log: Path, damage: str) -> None:
    open_graph(TinyConversion(log), "float32")
    blob, record = the_folder() / "graph.blob", the_folder() / "record.json"
    content = blob.read_bytes()
    if damage == "byte":
        blob.write_bytes(content[:-9] + bytes([content[-9] ^ 0xFF]) + content[-8:])
    elif damage == "cut":
        blob.write_bytes(content[: len(content) // 2])
    elif damage == "gone":
        blob.unlink()
    else:
        record.write_text("" if damage == "record" else '{"key": 1}')
    assert right(open_graph(TinyConversion(log), "float32"))
    assert exports(log) == 2
    assert right(open_graph(TinyConversion(log), "float32"))
    assert exports(log) == 2


def test_a_copied_cache_serves(log: Path, caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_graph(TinyConversion(log), "float32")
    moved = caches.with_name("moved")
    # Copying takes neither inodes nor times along.
    subprocess.run(["cp", "-r", str(caches), str(moved)], check=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(moved))
    assert right(open_graph(TinyConversion(log), "float32"))
    assert exports(log) == 1


def test_where_nothing_can_be_kept_it_works_with_a_warning(log: Path, caches: Path) -> None:
    caches.mkdir()
    (caches / "ragline").write_text("a file, where a folder is needed")
    with pytest.warns(UserWarning, match="cannot be kept in .*set XDG_CACHE_HOME") as told:
        graph = open_graph(TinyConversion(log), "float32")
    assert len(told) == 1
    assert right(graph)
    assert exports(log) <= 2


def test_a_graph_that_does_not_agree_is_refused_and_remembered(log: Path) -> None:
    for _ in range(2):
        with pytest.raises(ConversionError, match=r"agrees with torch by 0\.5000, and 0\.999 is"):
            open_graph(TinyConversion(log, wrong=0.5), "float32")
    assert exports(log) == 1
    record = Record.read(the_folder())
    assert record is not None and record.failure
    # Another version of a library may do better.
    told = json.loads((the_folder() / "record.json").read_text())
    told["libraries"]["torch"] = "1.0"
    (the_folder() / "record.json").write_text(json.dumps(told))
    assert right(open_graph(TinyConversion(log), "float32"))
    assert exports(log) == 2


def test_killed_halfway_it_leaves_only_a_draft(log: Path) -> None:
    process = started(log, seconds=60)
    while not exports(log):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert the_folder().name.endswith(".draft")
    assert right(open_graph(TinyConversion(log), "float32"))
    assert not the_folder().name.endswith(".draft")
    assert exports(log) == 2


def test_two_processes_convert_once(log: Path) -> None:
    processes = [started(log, seconds=1) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert exports(log) == 1


def test_threads_share_a_graph(log: Path) -> None:
    graph, conversion = open_graph(TinyConversion(log), "float32"), TinyConversion()
    chance = np.random.default_rng(1)
    given = [chance.normal(size=(n % 7 + 1, 64)).astype(np.float32) for n in range(60)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: graph.run(given=one)["product"], given))
    for one, product in zip(given, found, strict=True):
        np.testing.assert_allclose(product, conversion.expected(one), atol=1e-4)
