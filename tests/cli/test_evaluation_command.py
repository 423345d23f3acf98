"""`rag eval`: what it compares, writes and keeps, and that a stopped one goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cli_command import Command, Result, environment

from rag.rag import Rag

WORDS = ("ferry", "tug", "quay", "lamp", "rope", "crane", "buoy", "pilot", "anchor", "mast")
PAIR = ("--pipeline", "bm25", "--pipeline", "short.yaml")

# `rag` that is hit by a signal while it writes down its NUMBER-th question.
STRUCK = """
import os, sys
from rag.cli.main import main
from rag.evaluate.journal import Journal

add, asked = Journal.add, []

def struck(self, query, outcome):
    asked.append(query)
    if len(asked) == {number}:
        self._file.write(b'{{"query": "q')
        self._file.flush()
        os.kill(os.getpid(), {signal})
    add(self, query, outcome)

Journal.add = struck
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def rag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """`rag` in a folder with the dataset `port` and the pipeline `short.yaml`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    write_dataset(tmp_path / "port")
    command = Command(capsys)
    changed = ("--set", "name=short", "--set", "query.retrieve.k=1", "--set", "query.cut=null")
    Path("short.yaml").write_text(command("pipeline", "show", "bm25", *changed).out)
    return command


def write_dataset(folder: Path) -> None:
    """Each question names one word, and two documents are relevant to it."""
    (folder / "qrels").mkdir(parents=True)
    documents = [
        {"_id": f"{word} {n}", "text": f"The {word} is of kind {n}." + " It is old." * n}
        for word in WORDS
        for n in (1, 2)
    ]
    queries = [{"_id": f"q{n}", "text": f"Which {word}?"} for n, word in enumerate(WORDS)]
    for name, records in (("corpus", documents), ("queries", queries)):
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text(lines)
    judged = [f"q{n}\t{word} {k}\t1\n" for n, word in enumerate(WORDS) for k in (1, 2)]
    (folder / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged))


def struck(number: int, sent: signal.Signals, *arguments: str) -> Result:
    """`rag` in a process that gets a signal in the middle of its work."""
    code = STRUCK.format(number=number, signal=int(sent))
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=False,
        env=environment(),
        capture_output=True,
        text=True,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def without_times(shape: Mapping[str, Any]) -> dict[str, Any]:
    timed = {"index_seconds", "query_ms"}
    pipelines = [
        {key: value for key, value in pipeline.items() if key not in timed}
        for pipeline in shape["pipelines"]
    ]
    return {**shape, "pipelines": pipelines}


def journals(folder: str) -> list[Path]:
    return sorted(Path(folder).glob("*/trial-*.jsonl"))


def test_a_killed_evaluation_goes_on(rag: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("eval", "port", *PAIR, "--compare", "--questions", "--json")
    whole = rag(*command, "--index", "other").json
    killed = struck(14, signal.SIGKILL, *command, "--index", "kept")
    assert (killed.code, killed.out, len(journals("kept"))) == (-signal.SIGKILL, "", 2)
    searched: list[str] = []
    search = Rag.search

    def counted(self: Rag, question: str) -> Any:
        searched.append(question)
        return search(self, question)

    monkeypatch.setattr(Rag, "search", counted)
    again = rag(*command, "--index", "kept").json
    # Ten of the first pipeline and three of the second were done; one more warms up.
    assert len(searched) == 7 + 1
    assert without_times(again) == without_times(whole)
    assert journals("kept") == []
    searched.clear()
    assert without_times(rag(*command, "--index", "kept").json) == without_times(whole)
    assert len(searched) == 2 * (10 + 1)


def test_ctrl_c_says_how_to_go_on(rag: Command) -> None:
    stopped = struck(3, signal.SIGINT, "eval", "port", "--pipeline", "bm25", "--index", "kept")
    assert (stopped.code, stopped.out) == (130, "")
    assert stopped.err == "rag: stopped: run the same command again, and it goes on from here\n"
    fresh = struck(3, signal.SIGINT, "eval", "port", "--pipeline", "bm25", "--fresh")
    assert "run the same command without --fresh, and it goes on" in fresh.err


def test_what_was_found_in_another_state_is_not_used(rag: Command) -> None:
    command = ("eval", "port", "--pipeline", "bm25", "--json", "--index", "kept")
    assert struck(9, signal.SIGKILL, *command).code == -signal.SIGKILL
    (Path("port") / "corpus.jsonl").write_text(
        "".join(
            json.dumps({"_id": f"{word} {n}", "text": "Nothing."}) + "\n"
            for word in WORDS
            for n in (1, 2)
        )
    )
    assert rag(*command).json["pipelines"][0]["measures"]["recall@10"]["value"] == 0.0


def test_indexes_are_kept_in_the_users_folder_of_caches(rag: Command) -> None:
    kept = Path(os.environ["XDG_CACHE_HOME"]) / "ragline" / "eval"
    first = rag("eval", "port", "--pipeline", "bm25", "--json").json["pipelines"][0]
    (index,) = (path for path in kept.iterdir() if path.is_dir())
    made = (index / "built.json").stat().st_mtime_ns
    again = rag("eval", "port", *PAIR, "--json").json["pipelines"]
    assert [one["index_seconds"] for one in again] == [first["index_seconds"]] * 2
    assert (index / "built.json").stat().st_mtime_ns == made
    rag("eval", "port", "--pipeline", "bm25", "--fresh")
    assert (index / "built.json").stat().st_mtime_ns > made
    assert not (Path("port") / ".rag").exists()


def test_each_against_each_on_every_measure(rag: Command) -> None:
    command = ("eval", "port", *PAIR, "--compare")
    shape = rag(*command, "--json").json
    assert [one["measure"] for one in shape["comparisons"]] == [
        "nDCG@10", "recall@10", "recall@100", "MRR@10",
    ]  # fmt: skip
    ndcg, *_, rank = shape["comparisons"]
    assert (ndcg["verdict"], ndcg["needed"]) == ("worse", None)
    assert (rank["verdict"], rank["difference"], rank["needed"]) == (
        "not distinguishable", 0.0, None,
    )  # fmt: skip
    shown = rag(*command).out
    assert "recall@100, against bm25" in shown
    assert "not distinguishable" in shown
    alone = rag("eval", "port", "--pipeline", "bm25", "--compare")
    assert alone.code == 2
    assert (
        alone.err == "rag: --compare needs two pipelines: name another with --pipeline or --run\n"
    )


def test_questions_are_set_side_by_side(rag: Command) -> None:
    shape = rag("eval", "port", *PAIR, "--questions", "--json").json["questions"]
    assert (shape["pipeline"], shape["baseline"]) == ("short", "bm25")
    assert (shape["wins"], shape["losses"], shape["ties"]) == (0, 10, 0)
    row = shape["rows"][0]
    assert (row["question"], row["baseline"]) == ("Which ferry?", 1.0)
    assert row["baseline_top"] == row["pipeline_top"] == "ferry 1"
    assert "questions" not in rag("eval", "port", *PAIR, "--json").json
    shown = rag("eval", "port", *PAIR, "--questions").out
    assert "short against bm25, nDCG@10: 0 better, 10 worse, 0 equal" in shown
    assert "Which ferry?" in shown and "first: ferry 1" in shown


def test_ablation(rag: Command) -> None:
    two = ("--set", "query.retrieve={of: [{use: bm25, k: 9}, {use: bm25, k: 1}]}")
    shape = rag("eval", "port", "--pipeline", "bm25", "--ablate", *two, "--json").json
    names = ["bm25", "bm25 without bm25", "bm25 without bm25 (2)"]
    assert [one["name"] for one in shape["pipelines"]] == names
    assert [one["baseline"] for one in shape["comparisons"]] == ["bm25"] * 2
    cut = rag("eval", "port", "--pipeline", "bm25", "--ablate", "--passages", "--json").json
    assert [one["name"] for one in cut["pipelines"]] == ["bm25", "bm25 without context"]
    nothing = rag("eval", "port", "--pipeline", "bm25", "--ablate")
    assert nothing.code == 2
    assert "pipeline 'bm25' has no part that could be taken away" in nothing.err


def test_runs_are_written_and_read(rag: Command) -> None:
    saved = rag("eval", "port", *PAIR, "--save-runs", "out/runs", "--json").json["pipelines"]
    lines = Path("out/runs/short.run").read_text().splitlines()
    assert len(lines) == 10
    assert lines[0].split()[:4] == ["q0", "Q0", "ferry%201", "1"]
    runs = ("--run", "out/runs/bm25.run", "--run", "out/runs/short.run")
    read = rag("eval", "port", "--pipeline", "bm25", *runs, "--json").json["pipelines"]
    assert [one["name"] for one in read] == ["bm25", "bm25 (2)", "short"]
    assert [one["measures"] for one in read[1:]] == [one["measures"] for one in saved]
    assert (read[2]["index_seconds"], read[2]["query_ms"]) == (None, None)
    assert rag("eval", "port", "--pipeline", "bm25", *runs).code == 0
    Path("bad.run").write_text("q0 Q0 nobody 1 1.0 x\n")
    bad = rag("eval", "port", "--pipeline", "bm25", "--run", "bad.run")
    assert (bad.code, bad.err) == (
        2, "rag: bad.run: no document of the dataset: 'nobody' (line 1)\n",
    )  # fmt: skip


def test_runs_of_several_datasets_lie_apart(rag: Command) -> None:
    write_dataset(Path("bay"))
    rag("eval", "port", "bay", "--pipeline", "bm25", "--save-runs", "out")
    assert sorted(path.parent.name for path in Path("out").glob("*/bm25.run")) == ["bay", "port"]
    both = rag("eval", "port", "bay", "--run", "out/bay/bm25.run")
    assert (both.code, "a run belongs to one dataset" in both.err) == (2, True)


def test_a_report_as_html(rag: Command) -> None:
    assert rag("eval", "port", *PAIR, "--html", "report.html").code == 0
    html = Path("report.html").read_text()
    for part in ("Evaluation: port", "short", "Which ferry?", "ferry 1", "<svg", "worse"):
        assert part in html
    missing = rag("eval", "port", *PAIR, "--html", "nowhere/report.html")
    assert missing.code == 2
    assert missing.err == (
        "rag: nowhere/report.html: the report cannot be written: there is no such folder\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_report_that_cannot_be_written_names_its_file(rag: Command) -> None:
    full = rag("eval", "port", *PAIR, "--html", "/dev/full")
    assert (full.code, full.err.splitlines()[-1]) == (
        2, "rag: /dev/full: the report cannot be written: No space left on device"
    )  # fmt: skip


def test_the_journal_is_in_the_folder_of_its_index(rag: Command) -> None:
    """So that who removes an index removes what was found in it."""
    struck(2, signal.SIGKILL, "eval", "port", "--pipeline", "bm25", "--index", "kept")
    (journal,) = journals("kept")
    assert (journal.parent / "index.db").is_file()
    assert rag("verify", "--index", str(journal.parent)).code == 0
