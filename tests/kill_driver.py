"""Indexes a folder with a deterministic encoder that logs what it encodes: run and killed.

    python kill_driver.py INDEX FOLDER LOG [POINT]

With PRUNE in its environment the index is pruned so.

POINT names a function or method, as `module:name:before` or `module:Class.name:after`: the
process kills itself when it comes there.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag import Rag
from rag.protocols import Vectors
from rag.testing.hashing import HashingEncoder


class LoggingEncoder(HashingEncoder):
    """Takes a while, as models do, and appends each text that it has encoded to `log`."""

    def __init__(self, log: Path | None) -> None:
        super().__init__(dimension=16)
        self.log = log

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        vectors = super().encode_passages(texts)
        if self.log is not None:
            time.sleep(len(texts) / 1_000)
            lines = "".join(text.replace("\n", " ") + "\n" for text in texts)
            descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.write(descriptor, lines.encode())
            os.close(descriptor)
        return vectors


def opened(index: Path, log: Path | None = None, prune: str = "") -> Rag:
    """The index with the encoder above, pruned as said."""
    overrides = ["index.chunk.max_tokens=16", "index.lexical.language=en"]
    if prune:
        overrides.append(f"index.prune={prune}")
    return Rag.open(
        index, pipeline="hybrid", overrides=overrides, encoder=LoggingEncoder(log), workers=0
    )


def die_at(point: str) -> None:
    """Put a kill before or after a function."""
    module, path, when = point.split(":")
    *holders, name = path.split(".")
    holder: Any = importlib.import_module(module)
    for one in holders:
        holder = getattr(holder, one)
    former = getattr(holder, name)

    def killed(*arguments: Any, **options: Any) -> None:
        if when == "after":
            former(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(holder, name, killed)


if __name__ == "__main__":
    INDEX, FOLDER, LOG = map(Path, sys.argv[1:4])
    for POINT in sys.argv[4:]:
        die_at(POINT)
    RAG = opened(INDEX, LOG, os.environ.get("PRUNE", ""))
    print("ready", flush=True)
    sys.stdin.readline()
    RAG.index(FOLDER)
    print("done", flush=True)
