"""Pruning as a whole collection: what is kept, recorded, brought back, and survives a stop."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

import kill_driver
import numpy as np
import pytest

from rag import Rag, registry
from rag.errors import NoIndexError, RequestError
from rag.protocols import Collection, Quality, Scores, Vectors
from rag.pruning import Pruning
from rag.testing import HashingEncoder

WORDS = ["oil", "lamp", "ferry", "keeper", "storm", "harbour", "bell", "rope", "tide", "net"]


class Rare:
    """Thinks well of words that few passages have."""

    needs_vectors = False

    def judge(self, collection: Collection) -> Quality:
        texts = [set(passage.text.lower().split()) for passage in collection.passages()]
        counts = Counter(word for text in texts for word in text)
        scores = [sum(1 / counts[word] for word in text) / len(text) for text in texts]
        return Quality(np.array(scores, np.float64), lambda at: f"{scores[at]:.2f} rare")


class Central:
    """Thinks well of what is near the middle of all."""

    needs: ClassVar[str] = "encode"
    needs_vectors = True

    def judge(self, collection: Collection) -> Quality:
        vectors = np.concatenate([np.empty((0, 128), np.float32), *collection.vectors()])
        scores = (vectors @ vectors.sum(axis=0)).astype(np.float64)
        return Quality(scores, lambda at: "far from all else")


class Asked:
    """Asks a model about each passage."""

    needs_vectors = False
    texts: ClassVar[list[str]] = []

    def judge(self, collection: Collection) -> Quality:
        def score(passages: Sequence[object]) -> list[float]:
            self.texts.extend(str(getattr(passage, "text", "")) for passage in passages)
            return [float(len(str(getattr(passage, "text", "")))) for passage in passages]

        return Quality(collection.scores("asked-1", score), lambda at: "short")


class CountingEncoder(HashingEncoder):
    """Knows what it encoded, and stops after so many calls."""

    def __init__(self, calls: int | None = None) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.calls = calls

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        if self.calls is not None:
            if self.calls == 0:
                raise KeyboardInterrupt
            self.calls -= 1
        self.texts.extend(texts)
        return super().encode_passages(texts)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry._registered
    added = {"rare": Rare, "central": Central, "asked": Asked}

    def points(kind: str) -> dict[str, EntryPoint]:
        mine = {
            name: EntryPoint(name, f"{__name__}:{made.__name__}", registry.GROUPS[kind])
            for name, made in added.items()
            if kind == "pruner"
        }
        return {**known(kind), **mine}

    monkeypatch.setattr(registry, "_registered", points)
    Asked.texts.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "documents"
    made.mkdir()
    for number in range(12):
        write(made, number, random.Random(number))
    return made


def write(folder: Path, number: int, chance: random.Random) -> None:
    lines = [" ".join(chance.choices(WORDS, k=chance.randint(3, 8))) for _ in range(6)]
    (folder / f"{number:02}.txt").write_text("\n\n".join(line.capitalize() + "." for line in lines))


def opened(
    folder: Path,
    prune: str = "[{use: rare, keep: 0.6}]",
    encoder: HashingEncoder | None = None,
    name: str = ".rag",
) -> Rag:
    overrides = ["index.chunk.max_tokens=8", f"index.prune={prune}"]
    made = encoder or HashingEncoder()
    place = folder.parent / name
    return Rag.open(place, pipeline="hybrid", overrides=overrides, encoder=made, workers=0)


def state(rag: Rag) -> list[tuple[str, list[tuple[int, int]], list[tuple[int, int, float, str]]]]:
    """Every document with what is indexed and what is pruned of it."""
    found = []
    with rag._store.rows() as rows:
        for name, _ in list(rows.sources()):
            _, passages, dropped = rag.inspect(name)
            kept = sorted((one.start, one.end) for one in passages)
            out = [(one.passage.start, one.passage.end, one.score, one.reason) for one in dropped]
            found.append((name, kept, out))
    return found


def answers(rag: Rag) -> list[list[tuple[str, float]]]:
    questions = [f"{a} {b}" for a, b in itertools.pairwise(WORDS)]
    return [
        [(hit.passage.id, hit.score) for hit in rag.search(question).hits] for question in questions
    ]


def test_the_worst_are_kept_out_and_recorded(folder: Path) -> None:
    encoder = CountingEncoder()
    with closing(opened(folder, encoder=encoder)) as rag:
        report = rag.index(folder)
        with closing(opened(folder, "null", name=".whole")) as whole:
            total = whole.index(folder).passages
        assert report.passages + report.pruned == total
        assert total * 0.6 <= report.passages < total * 0.7
        dropped = [one for name, _, out in state(rag) for one in out]
        assert len(dropped) == report.pruned
        assert all(reason == f"rare: {score:.2f} rare" for _, _, score, reason in dropped)
        # What is pruned costs no encoding, and is found by no search.
        assert len(encoder.texts) <= report.passages
        found = {passage for ranking in answers(rag) for passage, _ in ranking}
        kept = {f"{name}#{a}-{b}" for name, spans, _ in state(rag) for a, b in spans}
        assert found <= kept
        assert rag.verify() == []


def test_keeping_everything_changes_nothing(folder: Path) -> None:
    with closing(opened(folder, "[{use: rare, keep: 1}]")) as rag:
        assert rag.index(folder).pruned == 0
        with closing(opened(folder, "null", name=".whole")) as whole:
            whole.index(folder)
            assert answers(rag) == answers(whole)
            assert state(rag) == state(whole)


@pytest.mark.parametrize("prune", ["[{use: rare, keep: 0.6}]", "[{use: central, keep: 0.7}]"])
def test_an_updated_index_prunes_as_one_built_anew(folder: Path, prune: str) -> None:
    chance = random.Random(7)
    with closing(opened(folder, prune)) as rag:
        rag.index(folder)
        for step in range(4):
            for _ in range(2):
                write(folder, chance.randint(0, 15), chance)
            if step % 2:
                chance.choice(sorted(folder.iterdir())).unlink()
            rag.index(folder)
            with closing(opened(folder, prune, name=f".fresh{step}")) as fresh:
                fresh.index(folder)
                assert state(rag) == state(fresh)
                assert answers(rag) == answers(fresh)
            assert rag.verify() == []


def test_an_unchanged_folder_is_not_judged_again(folder: Path) -> None:
    with closing(opened(folder, "[{use: asked, keep: 0.5}]")) as rag:
        rag.index(folder)
        asked = len(Asked.texts)
        with rag._store.writing() as writer:
            before = writer.rows.meta("generation")
        assert rag.index(folder).unchanged == 12
        with rag._store.writing() as writer:
            assert writer.rows.meta("generation") == before
        assert len(Asked.texts) == asked


def test_a_model_is_asked_once_about_a_text(folder: Path) -> None:
    with closing(opened(folder, "[{use: asked, keep: 0.5}]")) as rag:
        rag.index(folder)
        write(folder, 20, random.Random(20))
        asked = len(Asked.texts)
        rag.index(folder)
        assert 0 < len(Asked.texts) - asked <= 12
        assert len(set(Asked.texts)) == len(Asked.texts)


def test_what_was_pruned_comes_back_without_its_files(folder: Path) -> None:
    with closing(opened(folder)) as rag:
        rag.index(folder)
        before = state(rag)
        kept = folder.rename(folder.parent / "elsewhere")
        report = rag.index(keep_all=True)
        assert (report.pruned, report.added, report.changed, report.removed) == (0, 0, 0, 0)
        with closing(opened(folder, "null", name=".whole")) as whole:
            kept.rename(folder)
            whole.index(folder)
            assert answers(rag) == answers(whole)
        assert rag.verify() == []
        # The next run prunes as the pipeline says.
        assert rag.index(folder).unchanged == 12
        assert state(rag) == before


def test_nothing_comes_back_where_there_is_no_index(folder: Path) -> None:
    with closing(opened(folder)) as rag:
        with pytest.raises(NoIndexError, match="no index in"):
            rag.index(keep_all=True)
        assert not rag.folder.exists()


def test_copies_have_an_amount_of_their_own(folder: Path) -> None:
    (folder / "copy.txt").write_text((folder / "00.txt").read_text())
    with closing(opened(folder, "{use: duplicates}")) as rag:
        rag.index(folder)
        assert [name for name, kept, _ in state(rag) if not kept] == ["documents/copy.txt"]


def test_several_pruners_judge_in_turn(folder: Path) -> None:
    prune = "[{use: rare, keep: 0.8}, {use: central, keep: 0.5}]"
    encoder = CountingEncoder()
    with closing(opened(folder, prune, encoder)) as rag:
        report = rag.index(folder)
        by = Counter(reason.split(":")[0] for _, _, out in state(rag) for *_, reason in out)
        total = report.passages + report.pruned
        assert 0 < by["rare"] <= total * 0.2
        assert by["central"] > by["rare"]
        # Only what the first left was encoded for the second.
        assert len(encoder.texts) <= total - by["rare"]


@pytest.mark.parametrize("calls", [0, 1])
@pytest.mark.parametrize("prune", ["[{use: rare, keep: 0.6}]", "[{use: central, keep: 0.7}]"])
def test_a_run_that_is_stopped_goes_on(
    folder: Path, prune: str, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.vectors._GROUP", 8)
    stopped = CountingEncoder(calls)
    with closing(opened(folder, prune, stopped)) as rag, pytest.raises(KeyboardInterrupt):
        rag.index(folder)
    (folder / "03.txt").unlink()
    write(folder, 4, random.Random(44))
    reading = CountingReads(monkeypatch)
    encoder = CountingEncoder()
    with closing(opened(folder, prune, encoder)) as rag:
        report = rag.index(folder)
        # What was read before the stop is not read again, nor is what was encoded encoded.
        assert reading.names == ["04.txt"]
        assert not set(stopped.texts) & set(encoder.texts)
        assert (report.documents, report.added) == (11, 11)
        with closing(opened(folder, prune, name=".fresh")) as fresh:
            fresh.index(folder)
            assert state(rag) == state(fresh)
            assert answers(rag) == answers(fresh)
        assert rag.verify() == []


class CountingReads:
    """Notes the names of the files that are read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from rag import indexing

        self.names: list[str] = []
        known = indexing._loaded

        def loaded(item: object) -> object:
            self.names.append(Path(str(getattr(item, "source", ""))).name)
            return known(item)  # type: ignore[arg-type]

        monkeypatch.setattr(indexing, "_loaded", loaded)


def test_a_reader_sees_documents_as_they_were_until_they_are_judged(folder: Path) -> None:
    with closing(opened(folder)) as rag:
        rag.index(folder)
        before = state(rag)
    for number in range(12):
        write(folder, number, random.Random(100 + number))
    with closing(opened(folder, encoder=CountingEncoder(0))) as rag:
        with pytest.raises(KeyboardInterrupt):
            rag.index(folder)
        assert state(rag) == before
        assert rag.verify() == []


def test_a_share_within_a_loss_has_to_be_measured(folder: Path) -> None:
    prune = "[{use: rare, within: 0.01, dataset: somewhere}]"
    with closing(opened(folder, prune)) as rag:
        (step,) = rag.unmeasured()
        with pytest.raises(RequestError, match="has not been measured on 'somewhere' yet"):
            rag.index(folder)
        rag.measured(step, 0.6)
        rag.index(folder)
        found = state(rag)
    with closing(opened(folder, prune)) as again:
        assert again.unmeasured() == []
        assert again.index(folder).unchanged == 12
    with closing(opened(folder, name=".plain")) as plain:
        plain.index(folder)
        assert state(plain) == found
    shutil.rmtree(folder.parent / ".rag")


@pytest.mark.parametrize(
    "point",
    [
        "rag.store.staging:Staging.put:after",
        "rag.store.writer:StoreWriter.stage:after",
        "rag.pruning:judge:after",
        "rag.store.writer:StoreWriter.remember:after",
        "rag.store.edits:Writer.expel:after",
        "rag.store.writer:StoreWriter.commit:after",
    ],
)
def test_a_kill_at_any_point_is_survived(folder: Path, point: str) -> None:
    prune = "{use: idf-mass, keep: 0.6}"
    place, log = folder.parent / ".rag", folder.parent / "log"
    with closing(kill_driver.opened(place, prune=prune)) as rag:
        rag.index(folder)
        former = state(rag)
    # Words that are rarer than any before: some of what was kept is to be expelled.
    for number in range(12, 16):
        text = "\n\n".join(" ".join(WORDS * 2) + f" {number} {line}." for line in range(9))
        (folder / f"{number}.txt").write_text(text)
    driver = Path(kill_driver.__file__)
    command = [sys.executable, str(driver), *map(str, (place, folder, log, point))]
    ran = subprocess.run(
        command,
        check=False,
        env={**os.environ, "PRUNE": prune},
        input="\n",
        text=True,
        capture_output=True,
    )
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    with closing(kill_driver.opened(place, prune=prune)) as rag:
        assert rag.verify() == []
        held = dict(zip((name for name, *_ in state(rag)), state(rag), strict=True))
        assert held.keys() >= {name for name, *_ in former}
        rag.index(folder)
        assert rag.verify() == []
        with closing(kill_driver.opened(folder.parent / ".fresh", prune=prune)) as fresh:
            fresh.index(folder)
            assert state(rag) == state(fresh)
            assert answers(rag) == answers(fresh)
        assert state(rag)[:12] != former


@pytest.mark.parametrize(
    ("keep", "scores", "dropped"),
    [
        (0.5, [3.0, 1.0, 2.0, 4.0], [1, 2]),
        (0.5, [1.0, 1.0, 1.0, 4.0], []),
        (0.75, [1.0, 1.0, 0.0, 4.0], [2]),
        (0.9, [float(n) for n in range(10)], [0]),
        (1.0, [1.0, 2.0], []),
        (0.1, [5.0], []),
        (0.5, [], []),
    ],
)
def test_a_share_keeps_at_least_that_and_what_ties(
    keep: float, scores: list[float], dropped: list[int]
) -> None:
    pruning = Pruning("x", Rare(), keep=keep)
    found: Scores = np.array(scores, np.float64)
    assert np.flatnonzero(pruning.worst(found)).tolist() == dropped


def test_a_threshold_drops_what_is_below() -> None:
    pruning = Pruning("x", Rare(), min_quality=0.5)
    assert pruning.worst(np.array([0.5, 0.4, 0.6])).tolist() == [False, True, False]
