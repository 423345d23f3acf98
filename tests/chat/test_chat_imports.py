"""Chat models are named and checked without anything heavy being loaded."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "transformers", "langchain_core", "httpx", "httpx2", "httpcore2", "jinja2")
PROGRAM = f"""
import sys
import rag.chat.asking, rag.chat.prompt, rag.chat.langchain
from rag.registry import load, names
assert names("chat") == ["ollama", "openai", "transformers"], names("chat")
for name in names("chat"):
    load("chat", name)
loaded = {{name.partition(".")[0] for name in sys.modules}}
assert not loaded & set({HEAVY!r}), loaded & set({HEAVY!r})
"""


def test_nothing_heavy_is_loaded() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)
