"""Commands that show how text is cut, what was pruned, and why a document is not found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_command import Command, write_documents

from rag.cli.main import main

PRUNED = """\
name: pruned
index:
  chunk: {use: fixed, max_tokens: 24, overlap: 10}
  prune: {use: length, keep: 0.8}
  lexical: {use: bm25, language: en}
query:
  - retrieve: {use: bm25, k: 3}
  - cut: {k: 2}
"""
LONG = "".join(f"The winch number {number} is greased every week.\n\n" for number in range(12))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index; the tests of this module only read it."""
    folder = tmp_path_factory.mktemp("cuts")
    docs = write_documents(folder)
    (docs / "long.md").write_text(f"# Winches\n\n{LONG}")
    (folder / "pruned.yaml").write_text(PRUNED)
    (folder / "unindexed.txt").write_text(LONG)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["index", "docs", "--pipeline", "pruned.yaml"]) == 0
    return folder


@pytest.fixture
def rag(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.chdir(project)
    return Command(capsys)


def test_chunks_have_sizes_overlaps_and_context(rag: Command) -> None:
    shown = rag("inspect", "docs/long.md", "--chunks")
    assert (shown.code, shown.err) == (0, "")
    shape = rag("inspect", "docs/long.md", "--json").json
    assert shape["cut"]["unit"] == "words"
    assert shape["cut"]["lost_characters"] == 0
    first, second, *_ = shape["passages"]
    assert first["overlap"] == 0 and second["overlap"] == first["end"] - second["start"] > 0
    assert second["words"] == len(second["text"].replace(".", " .").split()) <= 24
    assert (
        f"--- passage 2  {second['start']}-{second['end']}  {second['words']} words  "
        f"{second['characters']} characters  repeats {second['overlap']} characters of passage 1\n"
        f"    in front: Winches\n{second['text']}\n"
    ) in shown.out
    sizes = shape["cut"]["sizes"]
    spread = f"{sizes['min']} to {sizes['max']} words, median {sizes['median']}"
    assert f"sizes:     {spread}\n" in shown.out
    share = shape["cut"]["repeated_characters"] / shape["characters"]
    assert f"{share:.1%} of the text\n" in shown.out


def test_on_a_terminal_what_is_repeated_is_dimmed(
    rag: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    shown = rag("inspect", "docs/long.md", "--chunks").out
    second = rag("inspect", "docs/long.md", "--json").json["passages"][1]
    repeated = second["text"][: second["overlap"]].splitlines()[0]
    assert f"\x1b[2m{repeated}\x1b[0m" in shown


def test_pruned_passages_are_marked(rag: Command) -> None:
    everything = rag("inspect", "--pruned", "--json").json
    assert everything
    one = everything[0]
    shown = rag("inspect", one["source"], "--chunks").out
    assert f"--- pruned  {one['start']}-{one['end']}  " in shown
    assert f"{one['score']:.3f}: {one['reason']}" in shown
    shape = rag("inspect", one["source"], "--json").json
    assert {one["start"] for one in shape["pruned"]} == {
        other["start"] for other in everything if other["source"] == one["source"]
    }
    assert shape["pruned"][0]["words"] > 0


def test_pruned_alone(rag: Command) -> None:
    everything = rag("inspect", "--pruned", "--json").json
    shown = rag("inspect", "--pruned").out.splitlines()
    assert shown[-1] == f"{len(everything)} passages pruned".replace("1 passages", "1 passage")
    assert len(shown) == 2 * len(everything) + 1
    one = everything[0]
    assert shown[0].endswith(f"{one['reason']}  {one['source']}, {one['start']}-{one['end']}")
    assert all(len(line) <= 80 for line in shown[1::2])
    alone = rag("inspect", one["source"], "--pruned").out
    assert f"{one['start']}-{one['end']}" in alone and " pruned of " in alone


@pytest.mark.parametrize("arguments", [[], ["--chunks"]])
def test_inspect_needs_a_document(rag: Command, arguments: list[str]) -> None:
    done = rag("inspect", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err == "rag: name a document, or list what was pruned with --pruned\n"


def test_file_that_is_not_indexed_is_cut_by_a_pipeline(
    rag: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new.txt").write_text(LONG)
    monkeypatch.chdir(tmp_path)
    small = rag("inspect", "new.txt", "--pipeline", "bm25", "--set", "index.chunk.max_tokens=16")
    large = rag("inspect", "new.txt", "--pipeline", "bm25", "--chunks")
    assert large.out.count("--- passage") == 1 < small.out.count("\n   ")
    assert [path.name for path in tmp_path.iterdir()] == ["new.txt"]
    refused = rag("inspect", "new.txt")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.endswith(", or give --pipeline to cut the file without one\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["docs", "--pipeline", "bm25"], "there is more than one document in 'docs'"),
        (["none.txt", "--pipeline", "bm25"], "no such file or folder: 'none.txt'"),
        (["unindexed.txt"], "no document 'unindexed.txt' in the index"),
        (["docs/long.md", "--pruned", "--pipeline", "bm25"], "leave --pipeline and --set out"),
    ],
)
def test_requests_to_inspect_that_are_wrong(
    rag: Command, arguments: list[str], message: str
) -> None:
    done = rag("inspect", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err and done.err.count("\n") == 1


def test_check_warns_and_goes_on(rag: Command) -> None:
    overrides = ("--set", "index.chunk.overlap=20")
    done = rag("pipeline", "check", "pruned.yaml", *overrides)
    assert (done.code, done.out) == (0, "ok\n")
    assert done.err.startswith("rag: warning: index.chunk.overlap: 20 of 24 tokens are repeated")
    shape = rag("pipeline", "check", "pruned.yaml", *overrides, "--json").json
    assert shape["ok"] is True
    assert [one["key"] for one in shape["warnings"]] == ["index.chunk.overlap"]
    assert rag("pipeline", "check", "pruned.yaml", "--json").json == {"ok": True, "warnings": []}


def test_check_on_documents(rag: Command) -> None:
    done = rag("pipeline", "check", "pruned.yaml", "--on", "docs")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("documents: 4\npassages:  ") and done.out.endswith("\nok\n")
    measured = rag("pipeline", "check", "pruned.yaml", "--on", "docs", "--json").json["measured"]
    assert (measured["documents"], measured["lost"], measured["too_long"]) == (4, [], [])
    assert measured["sizes"]["max"] <= 24


def test_check_on_what_cannot_be_read(rag: Command, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"no PDF")
    done = rag("pipeline", "check", "bm25", "--on", tmp_path / "broken.pdf")
    assert done.code == 1 and "broken.pdf: " in done.err and "ok" not in done.out
    (tmp_path / "empty").mkdir()
    none = rag("pipeline", "check", "bm25", "--on", tmp_path / "empty")
    assert (none.code, none.out) == (2, "") and "there is no document in" in none.err


class HalfChunker:
    """Loses the second half of each document."""

    def __init__(self, *, max_tokens: int | None = None) -> None:
        self.max_tokens = max_tokens

    def chunk(self, document, tokenizer):  # type: ignore[no-untyped-def]
        from rag.types import Passage

        half = len(document.text) // 2
        yield Passage(document.id, 0, half, document.text[:half], document.source)


def test_check_on_documents_finds_lost_text(
    rag: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from importlib.metadata import EntryPoint

    from rag import registry

    real = registry._registered
    point = EntryPoint("half", f"{__name__}:HalfChunker", "rag.chunkers")

    def points(kind: str) -> dict[str, EntryPoint]:
        return {**real(kind), **({"half": point} if kind == "chunker" else {})}

    monkeypatch.setattr(registry, "_registered", points)
    done = rag("pipeline", "check", "pruned.yaml", "--set", "index.chunk={use: half}",
               "--on", "unindexed.txt")  # fmt: skip
    assert done.code == 1
    assert f"in no passage: unindexed.txt {len(LONG) // 2}-{len(LONG) - 2}\n" in done.out
    assert not done.out.endswith("ok\n")
    shown = rag("inspect", "unindexed.txt", "--pipeline", "pruned.yaml", "--chunks",
                "--set", "index.chunk={use: half}").out  # fmt: skip
    assert f"--- in no passage  {len(LONG) // 2}-{len(LONG) - 2}\n" in shown


def test_explain_shows_every_stage(rag: Command) -> None:
    done = rag("explain", "notice period")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "question:  notice period"
    assert lines[1] == "pipeline:  pruned"
    assert lines[2].split()[:2] == ["retrieve", "bm25"] and lines[2].endswith(" ms       1 hits")
    assert lines[3].split()[0] == "cut" and lines[3].endswith(" ms       1 hits")
    assert lines[4].split()[0] == "1" and "docs/handbook.md" in lines[4]
    assert lines[5].startswith("     bm25 #1 ")
    assert lines[6].startswith("     terms: ") and " = " in lines[6]
    shape = rag("explain", "notice period", "--json").json
    steps = [(one["stage"], one["uses"], one["hits"]) for one in shape["steps"]]
    assert steps == [("retrieve", ["bm25"], 1), ("cut", [], 1)]
    assert shape["query"] == shape["question"] == "notice period"
    (hit,) = shape["hits"]
    assert hit["stages"]["bm25"]["rank"] == 1
    assert hit["stale"] is False
    assert {one["word"] for one in hit["terms"]} == {"notice", "period"}
    total = sum(one["score"] for one in hit["terms"])
    assert total == pytest.approx(hit["stages"]["bm25"]["score"], abs=1e-5)
    assert "expected" not in shape


def test_explain_tells_what_became_of_a_document(rag: Command) -> None:
    done = rag("explain", "winch number 3", "--expect", "long.md")
    assert " passages (" in done.out
    assert "found at rank 1\n" in done.out
    assert "not among the 3 of 'bm25'" in done.out
    (document,) = rag("explain", "winch number 3", "--expect", "long.md", "--json").json["expected"]
    outcomes = [fate["outcome"] for fate in document["passages"]]
    assert outcomes.count("found") == 2 and outcomes.count("left out") == 1
    pruned = rag("inspect", "--pruned", "--json").json[0]
    shown = rag("explain", "notice period", "--expect", pruned["source"]).out
    assert f"pruned: {pruned['reason']} ({pruned['score']:.3f})" in shown
    missing = rag("explain", "notice period", "--expect", "none.md")
    assert missing.code == 0
    assert "none.md: not in the index; did you mean " in missing.out
    far = rag("explain", "notice period", "--expect", "§§§")
    assert "§§§: not in the index; 'rag status' tells what is, and what failed\n" in far.out


def test_explain_says_which_filter_excludes(rag: Command) -> None:
    done = rag("explain", "notice period", "--expect", "handbook.md", "--where", "year<2020")
    assert done.code == 0
    assert "     filtered out by year<2020 (it has year=2024)\n" in done.out
    assert "1 filtered" in done.out


def test_explanations_fit_a_screen(rag: Command) -> None:
    question = "which winch number is greased every week of the year, and what is the notice period"
    rewritten = (
        "query=[{rewrite: {use: feedback, terms: 40, common: 1}}, {retrieve: {use: bm25, k: 30}}]"
    )
    done = rag("explain", question, "--expect", "long.md", "--set", rewritten)
    assert done.code == 0
    assert [line for line in done.out.splitlines() if len(line) > 80] == []
    assert "\nterms:     (feedback) " in done.out
    assert "     found by the question: bm25 #1\n" in done.out
    assert "\x1b" not in done.out


def test_search_explains_its_hits(rag: Command) -> None:
    plain = rag("search", "notice period").out.splitlines()
    done = rag("search", "notice period", "--explain")
    lines = done.out.splitlines()
    assert lines[:2] == plain[:2]
    assert lines[2].startswith("     bm25 #1 ")
    assert [line.split()[0] for line in lines[-2:]] == ["retrieve", "cut"]
    shape = rag("search", "notice period", "--json").json
    told = rag("search", "notice period", "--explain", "--json").json
    assert told["query"] == shape["query"]
    assert shape["hits"][0].items() <= told["hits"][0].items()
    one = rag("search", "winch number 3", "--explain", "-k", "1", "--json").json
    assert len(one["hits"]) == 1


@pytest.mark.parametrize("command", ["search", "ask", "explain"])
def test_traces_are_written(rag: Command, tmp_path: Path, command: str) -> None:
    path = tmp_path / "trace.json"
    done = rag(command, "notice period", "--trace", path)
    assert done.code == 0
    read = json.loads(path.read_text())
    assert (read["kind"], read["question"]) == (command, "notice period")
    assert [step["stage"] for step in read["steps"]][:2] == ["retrieve", "cut"]
    assert ("ranking" in read["steps"][0]) == (command == "explain")
    refused = rag(command, "notice period", "--trace", tmp_path)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == f"rag: {tmp_path}: it is a folder: name a file for the trace\n"


def test_search_tells_what_a_longer_passage_is_made_of(rag: Command) -> None:
    stages = "query=[{retrieve: {use: bm25, k: 3}}, {expand: {use: parent}}]"
    hits = rag("search", "winch number 3", "--set", stages, "--json").json["hits"]
    assert len(hits) == 1 and len(hits[0]["found"]) == 3
    told = rag("explain", "winch number 3", "--set", stages).out
    assert "     made of 3 passages: " in told
