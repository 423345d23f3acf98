import json
import shutil
import warnings
from pathlib import Path
from typing import NoReturn

import pytest
from cli_command import Command, write_documents

from rag.cli.interrupt import Interrupted
from rag.rag import Rag

FAULTY = """\
name: mine
index:
  chunk: {use: fixed, max_tokens: 2}
  lexical: {use: bm52}
query:
  - retreive: {use: bm25, k: 100}
"""


@pytest.fixture
def rag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    write_documents(tmp_path)
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


@pytest.fixture
def indexed(rag: Command) -> Command:
    assert rag("index", "docs", "--pipeline", "bm25").code == 0
    return rag


def test_a_corrupt_database(indexed: Command) -> None:
    Path(".rag/index.db").write_bytes(b"nothing that SQLite wrote" * 400)
    for arguments in (["search", "ferry"], ["status"], ["index", "docs"], ["repair"]):
        refused = indexed(*arguments)
        assert (refused.code, refused.out) == (2, "")
        assert "is damaged (file is not a database): restore it from a backup" in refused.err
        assert refused.err.count("\n") == 1
    unsound = indexed("verify")
    assert (unsound.code, "is damaged" in unsound.out) == (1, True)


def test_damaged_search_structures_are_found_and_repaired(indexed: Command) -> None:
    (generation,) = [path for path in Path(".rag/generations").iterdir() if _published(path)]
    shutil.rmtree(generation / "lexical")
    unsound = indexed("verify", "--json")
    assert (unsound.code, unsound.json["sound"]) == (1, False)
    assert any("is missing" in line for line in unsound.json["problems"])
    assert indexed("verify").code == 1
    refused = indexed("search", "ferry")
    assert (refused.code, "run 'rag repair'" in refused.err) == (2, True)
    repaired = indexed("repair")
    assert (repaired.code, repaired.out) == (0, "search structures of 3 passages were built anew\n")
    assert indexed("verify").out == "sound\n"
    assert indexed("repair", "--json").json["done"]


def _published(path: Path) -> bool:
    passages: int = json.loads((path / "manifest.json").read_text())["passages"]
    return passages == 3


def test_the_presets_are_listed(rag: Command) -> None:
    listed = rag("pipeline", "list")
    assert "bm25    Lexical search alone" in listed.out
    assert {"name", "description"} == set(rag("pipeline", "list", "--json").json[0])


def test_a_pipeline_is_shown_complete_and_is_taken_again(rag: Command) -> None:
    shown = rag("pipeline", "show", "hybrid", "--set", "query.cut.k=3")
    Path("mine.yaml").write_text(shown.out)
    assert rag("pipeline", "show", "mine.yaml").out == shown.out
    assert rag("pipeline", "show", "mine.yaml", "--json").json["query"][-1] == {"cut": {"k": 3}}
    assert rag("pipeline", "check", "mine.yaml").out == "ok\n"
    assert rag("pipeline", "check", "mine.yaml", "--json").json == {"ok": True, "warnings": []}


def test_every_fault_of_a_pipeline_file_is_told(rag: Command) -> None:
    Path("mine.yaml").write_text(FAULTY)
    faulty = rag("pipeline", "check", "mine.yaml")
    assert (faulty.code, faulty.out) == (2, "")
    lines = faulty.err.splitlines()
    assert [line.partition(" ")[2][:12] for line in lines] == [
        "mine.yaml:3:", "mine.yaml:4:", "mine.yaml:6:",
    ]  # fmt: skip
    assert "'max_tokens' takes a whole number" in lines[0]
    assert "did you mean 'bm25'?" in lines[1]
    assert "did you mean 'retrieve'?" in lines[2]
    assert rag("index", "docs", "--pipeline", "mine.yaml").err == faulty.err
    assert not Path(".rag").exists()


def test_the_schema_is_printed(rag: Command) -> None:
    assert "chunker.fixed" in rag("pipeline", "schema").json["$defs"]


def test_doctor_without_and_with_an_index(rag: Command) -> None:
    before = rag("doctor", "--json").json
    assert before["index"]["exists"] is False
    assert {"ragline", "torch", "numpy"} <= set(before["packages"])
    assert before["disk"]["free_bytes"] > 0 and before["device"]["threads"] >= 1
    assert before["runtime"]["precision"]["float32"] == "float32"
    assert Path(before["runtime"]["folder"]).name == "graphs"
    rag("index", "docs", "--pipeline", "bm25")
    after = rag("doctor")
    assert (after.code, after.err) == (0, "")
    assert "3 documents, 3 passages; it opens" in after.out
    assert "network:   off, unless a pipeline says 'download: true'" in after.out
    Path(".rag/index.db").write_bytes(b"nothing that SQLite wrote" * 400)
    assert "is damaged" in rag("doctor", "--json").json["index"]["problem"]


def test_evaluation(rag: Command) -> None:
    _write_dataset(Path("boats"))
    Path("short.yaml").write_text(
        rag("pipeline", "show", "bm25", "--set", "name=short", "--set", "query.retrieve.k=1").out
    )
    pipelines = ("--pipeline", "bm25", "--pipeline", "short.yaml")
    shape = rag("eval", "boats", *pipelines, "--json", "--index", "kept").json
    assert [pipeline["name"] for pipeline in shape["pipelines"]] == ["bm25", "short"]
    measured = shape["pipelines"][0]
    assert set(measured["measures"]["nDCG@10"]) == {"value", "low", "high"}
    assert measured["measures"]["nDCG@10"]["value"] == 1.0
    assert set(measured["query_ms"]) == {"p50", "p95"}
    assert shape["comparisons"][0]["verdict"] == "not distinguishable"
    assert list(Path("kept").iterdir())
    table = rag("eval", "boats", *pipelines, "--index", "kept")
    assert (table.code, table.err) == (0, "")
    assert "1.000 [1.00, 1.00]" in table.out
    assert "nDCG@10, against bm25\n" in table.out
    assert "+0.000 [+0.000, +0.000]" in table.out


def test_evaluating_several_datasets_gives_a_list(rag: Command) -> None:
    _write_dataset(Path("boats"))
    _write_dataset(Path("ships"))
    shapes = rag("eval", "boats", "ships", "--pipeline", "bm25", "--json").json
    assert [shape["dataset"] for shape in shapes] == ["boats", "ships"]
    missing = rag("eval", "nowhere", "--pipeline", "bm25")
    assert (missing.code, "nowhere: no such folder" in missing.err) == (2, True)


def _write_dataset(folder: Path) -> None:
    (folder / "qrels").mkdir(parents=True)
    documents = {"d1": "The ferry is red.", "d2": "The tug is blue.", "d3": "Quays are grey."}
    queries = {"q1": "ferry", "q2": "tug"}
    for name, texts in (("corpus", documents), ("queries", queries)):
        lines = [json.dumps({"_id": key, "text": text}) for key, text in texts.items()]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n")


def test_a_fault_of_ours_is_told_on_one_line(
    indexed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> NoReturn:
        raise ValueError("two\nlines")

    monkeypatch.setattr(Rag, "search", broken)
    failed = indexed("search", "ferry")
    assert failed.code == 70
    assert failed.err == (
        "rag: internal error: ValueError: two lines (run with RAG_DEBUG=1 for the traceback)\n"
    )
    monkeypatch.setenv("RAG_DEBUG", "1")
    assert "Traceback" in indexed("search", "ferry").err


def test_the_system_s_refusals_are_told(indexed: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").touch()
    refused = indexed("index", "docs", "--index", "file/index", "--pipeline", "bm25")
    assert (refused.code, refused.err) == (2, "rag: file/index: Not a directory\n")


def test_warnings_go_to_standard_error(indexed: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    search = Rag.search

    def warned(*arguments: object) -> object:
        warnings.warn("rewriter 'hyde' failed", stacklevel=2)
        return search(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Rag, "search", warned)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        found = indexed("search", "ferry")
    assert (found.code, found.err) == (0, "rag: warning: rewriter 'hyde' failed\n")


def test_an_interrupted_question(indexed: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> NoReturn:
        raise Interrupted(2)

    monkeypatch.setattr(Rag, "search", interrupted)
    stopped = indexed("search", "ferry")
    assert (stopped.code, stopped.err) == (130, "rag: stopped\n")


def test_pipeline_show_draws(rag: Command) -> None:
    shown = rag("pipeline", "show", "hybrid").out
    drawing = [line for line in shown.splitlines() if line.startswith("#")]
    assert drawing[0] == "# hybrid"
    assert "#      ├─ retrieve: bm25 (k: 200)" in drawing
    assert shown.splitlines()[len(drawing)] == ""
    chart = rag("pipeline", "show", "hybrid", "--mermaid").out
    assert chart.startswith("flowchart TD\n")
    assert '["retrieve: bm25<br/>k: 200"]' in chart
    both = rag("pipeline", "show", "hybrid", "--mermaid", "--json")
    assert (both.code, both.out) == (2, "")
