"""The chain of `examples/langchain_chain.py`, as it is printed and with a model of its own."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, told
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from rag import Rag

EXAMPLE = Path(__file__).parents[1] / "examples" / "langchain_chain.py"
TEXTS = {
    "contract.md": "# Contract\n\n## Ending it\n\nThe notice period is three months.\n",
    "leave.md": "# Leave\n\nEverybody has thirty days of leave in a year.\n",
    "travel.md": "# Travel\n\nTrains are paid in second class.\n",
}
ASKED = "How long is the notice period?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with documents and their index."""
    folder = tmp_path_factory.mktemp("example")
    (folder / "docs").mkdir()
    for name, text in TEXTS.items():
        (folder / "docs" / name).write_text(text)
    rag = Rag.open(folder / ".rag", workers=0)
    rag.index(folder / "docs")
    rag.close()
    return folder


@pytest.fixture
def example(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of the example, in the folder where its index is."""
    monkeypatch.chdir(folder)
    return runpy.run_path(str(EXAMPLE))


def test_it_answers_with_its_sources(
    example: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with ChatServer(told(lambda prompt: "Three months [1].")) as server:
        example["main"](ASKED, f"{server.url}/v1", "tiny")
    (request,) = server.requests
    passages, _, question = request.prompt.rpartition("\n\n")
    assert question == f"Question: {ASKED}"
    assert (
        passages.startswith("[1] docs/contract.md, Contract")
        and TEXTS["leave.md"][-30:-1] in passages
    )
    answer, sources = capsys.readouterr().out.split("\n\n")
    assert answer == "Three months [1]."
    assert sources.startswith("[1] docs/contract.md, Contract") and "(score 0." in sources
    assert len(sources.splitlines()) == 3


async def test_it_streams_and_takes_many(example: dict[str, Any], folder: Path) -> None:
    model = FakeListChatModel(responses=["Three months [1]."])
    with_chain = Rag.open(folder / ".rag")
    chain = example["chain"](with_chain, model)
    pieces = [piece async for piece in chain.astream(ASKED)]
    answer = [piece["answer"] for piece in pieces if piece.get("answer")]
    assert len(answer) > 5 and "".join(answer) == "Three months [1]."
    whole = await chain.ainvoke(ASKED)
    assert whole["documents"][0].metadata["source"] == "docs/contract.md"
    assert whole["documents"][0].metadata["relevance_score"] > 0.3
    assert [one["answer"] for one in chain.batch([ASKED, "Leave?"])] == ["Three months [1]."] * 2
    with_chain.close()


def test_as_a_command_it_says_what_is_wrong(tmp_path: Path) -> None:
    for arguments, line in (((), "usage: "), (("Who?",), "error: no index in ")):
        command = [sys.executable, str(EXAMPLE), *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith(line)
        assert len(done.stderr.splitlines()) == 1
