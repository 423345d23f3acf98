"""A run killed at any instant leaves every document wholly old or wholly new.

RAGLINE_KILLS is the number of kills, 50 unless set.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from kill_driver import opened

from rag.types import Document

KILLS = int(os.environ.get("RAGLINE_KILLS", "50"))
FILES = 240
# Passages that are encoded between two savings.
IN_FLIGHT = 128
WORDS = ("ferry", "lamp", "oil", "storm", "island", "keeper", "stair", "gull", "rope", "fog")

Texts = dict[str, str]


def write(folder: Path, texts: Texts) -> None:
    """Make `folder` hold exactly `texts`; files that say the same are left alone."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def corpus() -> tuple[Texts, Texts]:
    """Before and after: a third is changed, some are deleted, some are new."""
    chance = random.Random(11)

    def text(name: str, state: str) -> str:
        said = (" ".join(chance.choices(WORDS, k=9)) for _ in range(4))
        return "".join(f"{state}{name} number {n} {words}.\n\n" for n, words in enumerate(said))

    names = [f"{number:04d}.txt" for number in range(FILES)]
    old = {name: text(name[:4], "old") for name in names[: FILES - 20]}
    new = {name: old.get(name) or text(name[:4], "new") for name in names[20:]}
    new |= {name: text(name[:4], "new") for name in names[20:FILES:3]}
    return old, new


class Trial:
    """A published index of the old texts, and runs over the new ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.old, self.new = corpus()
        self.sources = folder / "documents"
        self.index = folder / ".rag"
        self.saved = folder / "saved"
        self.log = folder / "encoded.txt"
        write(self.sources, self.old)
        rag = opened(self.index)
        assert rag.index(self.sources).added == len(self.old)
        rag.close()
        shutil.copytree(self.index, self.saved)
        write(self.sources, self.new)

    def reset(self) -> None:
        shutil.rmtree(self.index)
        shutil.copytree(self.saved, self.index)
        self.log.unlink(missing_ok=True)

    def run(self, seconds: float | None = None, point: str = "") -> tuple[float, bool]:
        """Index, and kill after `seconds`; how long it ran, and whether it came to its end."""
        driver = Path(__file__).with_name("kill_driver.py")
        places = (self.index, self.sources, self.log)
        command = [sys.executable, str(driver), *map(str, places), *([point] if point else [])]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            started = time.perf_counter()
            process.stdin.write("\n")
            process.stdin.flush()
            if seconds is not None:
                time.sleep(seconds)
                process.kill()
            finished = process.stdout.readline() == "done\n"
            ran = time.perf_counter() - started
        return ran, finished

    def encoded(self) -> Counter[str]:
        return Counter(self.log.read_text().splitlines() if self.log.exists() else [])

    def check(self, *, complete: bool) -> None:
        """Every document old or new, both indexes agreeing, nothing that contradicts itself."""
        rag = opened(self.index)
        assert rag.verify() == []
        with rag._store.view(lambda: rag.encoder) as view:
            held = {name: view.document(name) for name, _ in view.rows.sources()}
            for name, document in held.items():
                assert document is not None
                text = Path(name).name
                allowed = {self.new.get(text), None if complete else self.old.get(text)} - {None}
                assert document.text in allowed
                passages = view.rows.passages_of(name).values()
                assert _covers(document, [(one.start, one.end) for one in passages])
            lexical, dense = view.generation.lexical, view.generation.dense
            assert lexical is not None
            assert dense is not None
            assert lexical.rows().tolist() == dense.rows().tolist()
        names = {Path(name).name for name in held}
        kept = self.old.keys() & self.new.keys()
        assert kept <= names <= self.old.keys() | self.new.keys()
        assert names == self.new.keys() or not complete
        _searches(rag)
        rag.close()


def _covers(document: Document, spans: list[tuple[int, int]]) -> bool:
    left = list(document.text)
    for start, end in spans:
        left[start:end] = " " * (end - start)
    return not "".join(left).strip()


def _searches(rag: object) -> None:
    from rag import Rag

    assert isinstance(rag, Rag)
    hits = rag.search("the keeper of the lamp on the island").hits
    assert len(hits) == 20
    assert all({"bm25", "dense"} & hit.stages.keys() for hit in hits)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return Trial(tmp_path_factory.mktemp("kill"))


@pytest.mark.slow
@pytest.mark.timeout(30 + 10 * KILLS)
def test_killed_at_any_instant(trial: Trial) -> None:
    trial.reset()
    _, finished = trial.run()
    assert finished
    trial.check(complete=True)
    needed = trial.encoded()
    assert max(needed.values()) == 1
    trial.reset()
    whole = trial.run()[0]
    chance = random.Random(5)
    interrupted = 0
    trial.reset()
    for number in range(KILLS):
        # Spread over the whole run: one kill in each of KILLS equal parts, in mixed order.
        share = (number * 7 % KILLS + chance.random()) / KILLS
        # The second run after a reset has less to do.
        _, finished = trial.run(share * whole / (1 + number % 2))
        interrupted += not finished
        trial.check(complete=finished)
        before = trial.encoded()
        if number % 2:
            _finishes(trial, before, needed, kills=2)
    assert interrupted > KILLS / 4


@pytest.mark.parametrize(
    "point",
    [
        "rag.store.writer:StoreWriter.remember:after",
        "rag.store.tantivy:TantivyEngine.update:after",
        "rag.store.dense:DenseEngine.update:before",
        "rag.store.generation:make_durable:before",
        "rag.store.generation:publish:before",
        "rag.store.generation:publish:after",
        "rag.store.edits:Writer.forget_vectors:after",
        "rag.store.writer:StoreWriter.commit:after",
        "rag.store.writer:StoreWriter.log:before",
    ],
)
def test_killed_where_it_hurts(trial: Trial, point: str) -> None:
    trial.reset()
    _, finished = trial.run(point=point)
    assert not finished
    trial.check(complete=False)
    _finishes(trial, trial.encoded(), Counter(), kills=1)


def _finishes(trial: Trial, before: Counter[str], needed: Counter[str], kills: int) -> None:
    """The next run completes, and encodes nothing again that was saved."""
    _, finished = trial.run()
    assert finished
    trial.check(complete=True)
    _nothing_twice(before, trial.encoded(), kills)
    assert not needed or trial.encoded().keys() == needed.keys()
    trial.reset()


def _nothing_twice(before: Counter[str], after: Counter[str], kills: int) -> None:
    """What is encoded again is at most what was in flight when a run was killed."""
    repeated = sum(after.values()) - len(after)
    assert repeated <= kills * IN_FLIGHT
    again = Counter(after) - Counter(before)
    assert max(again.values(), default=1) == 1
