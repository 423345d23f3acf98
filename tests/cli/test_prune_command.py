"""`rag prune`: what was pruned, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_command import Command

PIPELINE = """
name: pruned
index:
  chunk: {use: fixed}
  prune: {use: length, keep: 0.5}
  lexical: {use: bm25, language: en}
query:
  - retrieve: {use: bm25}
"""


@pytest.fixture
def rag(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    path = tmp_path / "pruned.yaml"
    path.write_text(PIPELINE)
    return path


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Thirty questions with one document each, and ten pages of nothing."""
    folder = tmp_path / "small"
    (folder / "qrels").mkdir(parents=True)
    names = [f"berth{chr(97 + n // 6)}{chr(97 + n % 6)}" for n in range(30)]
    documents = [
        {"_id": f"d{n:02}", "text": f"{name} is{' wide' * (n + 20)}"}
        for n, name in enumerate(names)
    ]
    documents += [{"_id": f"x{n:02}", "text": "page" + " page" * n} for n in range(10)]
    questions = [{"_id": f"q{n:02}", "text": name} for n, name in enumerate(names)]
    for file, records in (("corpus", documents), ("queries", questions)):
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{file}.jsonl").write_text(lines)
    judged = "".join(f"q{n:02}\td{n:02}\t1\n" for n in range(30))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return folder


def test_what_was_pruned(tmp_path: Path, rag: Command, pipeline: Path) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    for number in range(1, 5):
        (docs / f"{number}.txt").write_text("The ferry leaves at nine. " * number)
    assert rag("index", docs, "--index", index, "--pipeline", pipeline).code == 0
    shape = rag("prune", "--index", index, "--json").json
    assert shape == {"passages": 2, "pruned": 2, "pruners": {"length": 2}}
    assert rag("prune", "--index", index).out.splitlines() == [
        "2 passages indexed, 2 pruned (50.0% of 4)",
        "  length: 2",
        "'rag inspect --pruned' lists them",
    ]


def test_the_curve(tmp_path: Path, rag: Command, pipeline: Path, dataset: Path) -> None:
    pytest.importorskip("matplotlib")
    html, png, cache = tmp_path / "curve.html", tmp_path / "curve.png", tmp_path / "cache"
    asked = ("prune", "--curve", dataset, "--pipeline", pipeline, "--shares", "0,.25,.5")
    result = rag(*asked, "--index", cache, "--html", html, "--png", png)
    assert (result.code, result.err) == (0, "")
    assert "small, 30 questions" in result.out
    assert "length: nDCG@10 is shown equivalent within 0.01 up to 25.0% pruned" in result.out
    assert "random (control)" in result.out
    assert html.read_text().startswith("<!doctype html>")
    assert png.read_bytes().startswith(b"\x89PNG")
    shape = rag(*asked, "--index", cache, "--json").json
    assert [line["largest_equivalent"] for line in shape["lines"]] == [0.25, 0]
    assert shape["margin"] == 0.01


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--shares", "half"), "--shares 'half': give numbers"),
        (("--shares", "1.5"), "a share of 1.5: "),
        (("--margin", "0"), "a margin of 0: "),
        (("--png", "nowhere/a.png"), "there is no such folder"),
        (("--set", "index.prune.keep=0"), "'keep' takes a number > 0"),
    ],
)
def test_a_wrong_request(
    rag: Command, pipeline: Path, dataset: Path, options: tuple[str, ...], told: str
) -> None:
    result = rag("prune", "--curve", dataset, "--pipeline", pipeline, *options)
    assert result.code == 2
    assert told in result.err
    assert len(result.err.splitlines()) == 1


def test_what_belongs_to_a_curve(rag: Command, tmp_path: Path) -> None:
    result = rag("prune", "--html", tmp_path / "a.html")
    assert result.code == 2
    assert "name a dataset with --curve" in result.err
