"""Importing ragline in somebody's backend changes nothing there, and loads nothing heavy.

How long it takes is measured by `benchmarks/imports.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STATEMENTS = ("import rag", "from rag import Rag")
HEAVY = (
    *("torch", "transformers", "sentence_transformers", "numpy", "scipy", "faiss", "tantivy"),
    *("langchain_core", "pydantic", "yaml", "regex", "asyncio", "logging", "multiprocessing"),
    *("httpx", "httpx2", "httpcore2", "sqlite3", "rich", "typer", "PIL", "matplotlib"),
)
PROGRAM = """
import gc, json, os, signal, sys, threading, warnings
STATEMENT = sys.argv[1]
opened, written = [], []
def audit(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        written.append(str(path)) if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else None
    elif event.startswith(("socket.", "subprocess.", "os.system", "os.fork", "os.mkdir")):
        opened.append(event)
def state():
    return {
        "environment": dict(os.environ),
        "filters": [str(one) for one in warnings.filters],
        "showing": [str(warnings.showwarning), str(sys.excepthook), str(threading.excepthook)],
        "hooks": [str(one) for one in (sys.meta_path, sys.path, sys.path_hooks)],
        "threads": [one.name for one in threading.enumerate()],
        "signals": {n: str(signal.getsignal(n)) for n in signal.valid_signals()},
        "folder": os.getcwd(),
        "limits": [sys.getrecursionlimit(), sys.getswitchinterval(), list(gc.get_threshold())],
        "streams": [str(id(one)) for one in (sys.stdin, sys.stdout, sys.stderr)],
    }
sys.dont_write_bytecode = True
import importlib.util, pathlib  # for the finder of an editable install
before = state()
sys.addaudithook(audit)
exec(STATEMENT)
after = state()
loaded = sorted({name.partition(".")[0] for name in sys.modules})
changed = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
found = {"changed": changed, "opened": opened, "written": written, "loaded": loaded}
sys.__stdout__.write(json.dumps(found))
"""
LOGGED = """
import io, logging, sys
said = io.StringIO()
handler = logging.StreamHandler(said)
root = logging.getLogger()
root.addHandler(handler)
root.setLevel(logging.DEBUG)
def state():
    names = [root, *(one for one in root.manager.loggerDict.values()
                     if isinstance(one, logging.Logger) and one.name.startswith("rag"))]
    return [(one.name, one.level, list(one.handlers), list(one.filters), one.disabled,
             one.propagate) for one in names], logging.raiseExceptions, root.manager.disable
before = state()
from rag import Rag
rag = Rag.open(sys.argv[1], pipeline="bm25", workers=0)
rag.index(sys.argv[2])
assert rag.ask("When does the lamp travel?").hits
rag.close()
assert state() == before, (before, state())
"""


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)


@pytest.fixture(scope="module", params=STATEMENTS)
def imported(request: pytest.FixtureRequest) -> dict[str, Any]:
    done = run(PROGRAM, request.param)
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_nothing_of_the_process_is_changed(imported: dict[str, Any]) -> None:
    assert imported["changed"] == {}


def test_no_file_is_written_and_nothing_is_started(imported: dict[str, Any]) -> None:
    assert imported["written"] == []
    assert imported["opened"] == []


def test_nothing_heavy_is_loaded(imported: dict[str, Any]) -> None:
    assert set(HEAVY) & set(imported["loaded"]) == set()
    assert "rag" in imported["loaded"]


def test_logging_is_left_alone_by_work_too(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "lamp.txt").write_text("The lamp travels at nine.")
    done = run(LOGGED, tmp_path / ".rag", documents)
    assert (done.stdout, done.stderr) == ("", "")
