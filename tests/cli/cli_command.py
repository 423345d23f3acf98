"""Runs the real commands, in this process or in one of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rag.cli.main import main

RAG = (sys.executable, "-c", "from rag.cli.start import run; run()")

DOCUMENTS = {
    "handbook.md": (
        "---\nyear: 2024\n---\n# Staff handbook\n\n## Leaving\n\n"
        "The notice period is three months.\n\n## Pay\n\nWages are paid on the last Friday.\n"
    ),
    "boats.txt": "The ferry Aurelia carries ninety passengers.\n\nShe was built in Leith.\n",
    "odd/marks.md": "# Signals\n\nThe signal lamp is [bold]amber[/bold] :smile: at night.\n",
}


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Command:
    """`rag` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Result:
        self._capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Result(code, *self._capsys.readouterr())


def write_documents(folder: Path) -> Path:
    """The folder `docs` with three documents, old enough for their times to be trusted."""
    before = time.time() - 60
    for name, text in DOCUMENTS.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (before, before))
    return folder / "docs"


def environment(**variables: str) -> dict[str, str]:
    """The environment of a process that imports what this one does."""
    path = os.pathsep.join(filter(None, (variables.pop("PYTHONPATH", ""), *sys.path)))
    return {**os.environ, "PYTHONPATH": path, **variables}


def process(folder: Path, *arguments: str, stdin: bytes = b"", **variables: str) -> Result:
    """`rag` in a process of its own."""
    done = subprocess.run(
        [*RAG, *arguments],
        check=False,
        cwd=folder,
        env=environment(**variables),
        input=stdin,
        capture_output=True,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())
