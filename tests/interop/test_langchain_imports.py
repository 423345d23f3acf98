"""LangChain is loaded by whoever asks for it, and then it alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WATCHED = "langchain_core langsmith torch transformers sentence_transformers faiss tantivy"


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("from rag import Rag; Rag.open('nowhere').close(); import rag.interop", []),
        ("import rag.chat.langchain, rag.connectors.langchain, rag.cli.main", []),
        ("import rag.interop.langchain", ["langchain_core", "langsmith"]),
    ],
)
def test_what_an_import_loads(code: str, loaded: list[str]) -> None:
    script = f"{code}; import sys; print(*(m for m in {WATCHED.split()!r} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == loaded
