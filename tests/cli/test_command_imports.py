"""What each command loads: nobody waits for a package that his command does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_command import environment, write_documents

from rag.cli.main import main

WATCHED = (
    *("torch", "transformers", "sentence_transformers", "safetensors", "onnx", "onnxruntime"),
    *("openvino", "openvino.tools.ovc", "openvino_telemetry", "tokenizers", "huggingface_hub"),
    *("numpy", "scipy", "sklearn", "faiss", "tantivy", "pandas", "pyarrow", "matplotlib"),
    *("langchain", "langchain_core", "langsmith", "pydantic", "yaml", "sqlite_utils", "filelock"),
    *("rich", "httpx", "httpx2", "fsspec", "lxml", "selectolax", "pypdfium2", "tree_sitter"),
    *("py3langid", "sentencex", "rank_bm25", "ir_measures", "feedparser", "watchfiles", "PIL"),
)
# What checks the arguments of every command that has any.
TYPED = {"pydantic"}
PIPELINE = TYPED | {"numpy", "yaml"}
LEXICAL = PIPELINE | {"tantivy"}
DENSE = LEXICAL | {"faiss", "openvino", "tokenizers"}
QUESTION = "notice period"
# Commands are words; those after the index's name, where there is one.
TABLE: dict[tuple[str, ...], set[str]] = {
    ("--help",): set(),
    ("search", "--help"): TYPED,
    ("status",): TYPED,
    ("pipeline", "list"): PIPELINE,
    ("pipeline", "check", "hybrid"): PIPELINE | {"tokenizers"},
    ("inspect", "docs/boats.txt"): PIPELINE,
    ("search", QUESTION, "--index", "lexical"): LEXICAL,
    ("ask", QUESTION, "--index", "lexical"): LEXICAL | {"sentencex"},
    ("search", QUESTION): DENSE,
    ("search", QUESTION, "--json"): DENSE,
    ("explain", QUESTION): DENSE | {"rich"},
    ("ask", QUESTION): DENSE | {"sentencex"},
    ("batch", "questions.txt", "-o", "answers.jsonl"): DENSE | {"sentencex", "filelock"},
    ("chat",): DENSE | {"sentencex"},
}
PROGRAM = """
import json, sys
from rag.cli.start import run
try:
    run()
except SystemExit as end:
    code = end.code
# Where there is None the import system is told not to look.
loaded = [name for name, module in sys.modules.items() if module is not None]
sys.__stderr__.write("\\n" + json.dumps([code, loaded]))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Path:
    """A folder with an index for both arms, which has converted its model, and a lexical one."""
    folder = tmp_path_factory.mktemp("imports")
    docs = str(write_documents(folder))
    model = f"index.encode.model={encoder_folder}"
    assert main(["index", docs, "--index", str(folder / ".rag"), "--set", model]) == 0
    assert main(["index", docs, "--index", str(folder / "lexical"), "--pipeline", "bm25"]) == 0
    (folder / "questions.txt").write_text(f"{QUESTION}\n")
    return folder


@pytest.mark.parametrize("command", TABLE, ids=" ".join)
def test_a_command_loads_what_the_table_says(project: Path, command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command],
        check=True,
        cwd=project,
        env=environment(),
        input=f"{QUESTION}\n",
        capture_output=True,
        text=True,
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    assert (code, bool(done.stdout) or command[0] == "batch") == (0, True), done.stderr
    assert set(WATCHED) & set(loaded) == TABLE[command]


def test_the_table_is_of_packages_that_are_watched() -> None:
    assert set().union(*TABLE.values()) < set(WATCHED)
