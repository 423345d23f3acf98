"""The section on LangChain runs as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from chat_server import ChatServer, ok

from rag import Rag

DOCS = Path(__file__).parents[2] / "docs"
PAGE = next(
    one for one in (DOCS / "embedding.md", DOCS / "embedding_langchain.tmp.md") if one.is_file()
)


def test_the_section_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found, rest = f"\n{PAGE.read_text('utf-8')}".partition("\n## LangChain\n")
    assert found
    section = re.split(r"^## ", rest, maxsplit=1, flags=re.M)[0]
    blocks = re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "contract.md").write_text("The notice period is three months.\n")
    monkeypatch.chdir(tmp_path)
    index = Rag.open(".rag", workers=0)
    index.index("docs")
    index.close()
    names: dict[str, object] = {}
    with ChatServer(ok("Three months.")) as server:
        for text in blocks:
            code = text.replace("http://localhost:11434", server.url)
            exec(compile(code, PAGE.name, "exec"), names)
    (request,) = server.requests
    assert request.prompt.startswith("The notice period is three months.\n\nAnswer from these")
    shown = capsys.readouterr().out
    for told in (
        "Three months.",
        "docs/contract.md 1.0",
        "['docs/contract.md']",
        "[1] docs/contract.md",
    ):
        assert told in shown
