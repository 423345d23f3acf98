"""A registered format that does to its process what its file says, for tests of the pool.

It is installed as a plug-in is, so that a process of its own finds it by name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from rag import registry
from rag.connectors.formats import catalogue
from rag.connectors.parsing import pool

MODULE = '''
import os, resource, signal, socket, sys, time
from collections import deque
from rag.connectors.formats.format import Parsed
from rag.errors import DocumentError, MissingExtraError
from rag.types import Block

KEPT = []

def wrap(error):
    raise ValueError("no table") from error

def eat():
    try:
        return bytearray(3_000_000_000)
    except MemoryError as error:
        wrap(error)

def nibble():
    while True:
        KEPT.append(b"x" * 10_000_000)

def starve():
    KEPT.append(b"x" * 200_000_000)
    time.sleep(0.3)
    os.abort()

def connect():
    socket.create_connection(("127.0.0.1", 9), timeout=1)

def rich():
    block = Block(1, 3, "table", 7, ("A", "\\u05d0"), "sheet \\U0001d538", 4, "a | b")
    metadata = {"pages": 3, "share": 0.5, "draft": True, "author": "\\U0001d538"}
    return Parsed("\\u05d0\\U0001d538\\u0301 text", "T", (block,), metadata)

def environment():
    heavy = sorted({"numpy", "pydantic", "torch"} & set(sys.modules))
    threads = os.environ["OMP_NUM_THREADS"]
    limits = [resource.getrlimit(what)[0] for what in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)]
    return f"{heavy} {threads} {limits} {os.getcwd()} {os.environ['TMPDIR']}"

def temporary():
    import tempfile
    handle, path = tempfile.mkstemp()
    os.close(handle)
    return path

ACTS = {
    "pid": lambda: str(os.getpid()),
    "session": lambda: str(os.getsid(0) == os.getpid()),
    "spin": lambda: deque(iter(int, 1), 0),
    "nap": lambda: time.sleep(0.3) or "rested",
    "eat": eat,
    "nibble": nibble,
    "grow": lambda: KEPT.append(bytearray(60_000_000)) or str(os.getpid()),
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "segfault later": lambda: KEPT.append("ill") or str(os.getpid()),
    "abort": lambda: print("bad heap\\x1b[31m", file=sys.stderr, flush=True) or os.abort(),
    "bad_alloc": lambda: os.write(2, b"what(): std::bad_alloc") and os.abort(),
    "starve": starve,
    "leave": lambda: sys.exit(3),
    "print": lambda: print("noise", flush=True) or os.write(1, b"more") and "quiet",
    "read": lambda: str(os.read(0, 10)),
    "raise": lambda: [][1],
    "refuse": lambda: (_ for _ in ()).throw(DocumentError("is not to be read")),
    "verbose": lambda: (_ for _ in ()).throw(ValueError("<a>\\n" * 100_000)),
    "extra": lambda: (_ for _ in ()).throw(MissingExtraError("text in images", "ocr")),
    "recurse": lambda: ACTS["recurse"](),
    "long": lambda: "x" * 2_000_000,
    "many": lambda: Parsed("x" * 5, blocks=(Block(0, 1),) * 4),
    "object": lambda: Parsed("x", metadata={"a": object()}),
    "half": lambda: "half \\ud800",
    "connect": connect,
    "environment": environment,
    "temporary": temporary,
    "rich": rich,
}

class HostileFormat:
    """Reads what to do."""

    name = "hostile"
    extensions = (".hostile",)
    media_types = ()
    version = 1

    def parse(self, data, name):
        if "ill" in KEPT:
            os.kill(os.getpid(), signal.SIGSEGV)
        act = data.decode()
        done = ACTS[act]() if act in ACTS else act
        return done if isinstance(done, Parsed) else Parsed(str(done))
'''
METADATA = "Metadata-Version: 2.1\nName: hostile\nVersion: 1\n"
ENTRY_POINTS = "[rag.formats]\nhostile = hostile_format:HostileFormat\n"


@contextmanager
def installed(folder: Path) -> Iterator[Path]:
    """Make the plug-in in `folder`, where this process and those that it starts find it."""
    information = folder / "hostile-1.dist-info"
    information.mkdir()
    (folder / "hostile_format.py").write_text(MODULE, encoding="utf-8")
    (information / "METADATA").write_text(METADATA)
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    path = os.environ.get("PYTHONPATH")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), path))))
        forget()
        yield folder
    forget()


def forget() -> None:
    """Look for registered formats anew."""
    cached = (registry._points, registry._registered, pool._registered, catalogue._formats)
    for function in (*cached, catalogue.by_extension, catalogue.by_media_type):
        partial(function.cache_clear)()
