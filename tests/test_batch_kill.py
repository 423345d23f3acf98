"""A batch killed at any instant goes on where it was: every question answered once, in order.

RAGLINE_KILLS is the number of kills, 20 unless set.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag import Rag

KILLS = int(os.environ.get("RAGLINE_KILLS", "20"))
QUESTIONS = 60
BROKEN = "{broken"
WORDS = ("ferry", "lamp", "oil", "storm", "island", "keeper", "stair", "gull", "rope", "fog")


class Driver:
    """Batches over `questions.jsonl` into `answers.jsonl`, each in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.questions = folder / "questions.jsonl"
        self.answers = folder / "answers.jsonl"
        driver = Path(__file__).with_name("batch_kill_driver.py")
        names = (self.questions.name, self.answers.name)
        self._process = subprocess.Popen(
            [sys.executable, str(driver), str(folder), *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._said() == "ready"

    def run(self, kill_after: float | None = None) -> tuple[int, float]:
        """The exit code of a run, -9 where it was killed, and its seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        child = int(self._said())
        started = time.perf_counter()
        if kill_after is not None:
            time.sleep(kill_after)
            # Its parent has not waited for it while nothing was said: the number is still its own.
            os.kill(child, signal.SIGKILL)
        return int(self._said()), time.perf_counter() - started

    def close(self) -> None:
        self._process.communicate()

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def records(self) -> list[dict[str, Any]]:
        """The whole lines that are there."""
        if not self.answers.exists():
            return []
        lines = self.answers.read_bytes().split(b"\n")
        return [json.loads(line) for line in lines[:-1]]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    folder = tmp_path_factory.mktemp("batch")
    documents = folder / "documents"
    documents.mkdir()
    chance = random.Random(3)
    for number in range(30):
        words = chance.sample(WORDS, 3)
        text = "The {} is near the {}, and nobody sees the {}.".format(*words)
        (documents / f"{number:02}.txt").write_text(text)
    with Rag.open(folder / ".rag", pipeline="bm25", workers=0) as rag:
        rag.index(documents)
    made = Driver(folder)
    yield made
    made.close()


def ask(driver: Driver, *broken: int) -> None:
    """Write the questions; the lines `broken`, from 1, are no JSON."""
    lines = [
        BROKEN
        if line in broken
        else json.dumps({"question": f"What is near the {WORDS[line % 10]} {line}?", "id": line})
        for line in range(1, QUESTIONS + 1)
    ]
    driver.questions.write_text("\n".join(lines) + "\n")


def without_time(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "seconds": 0.0} for one in records]


def answered(records: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Answers by line; none is there twice."""
    found = [one for one in records if one["error"] is None]
    by_line = {one["line"]: one for one in found}
    assert len(by_line) == len(found)
    return by_line


@pytest.mark.timeout(30 + 10 * KILLS)
@pytest.mark.parametrize("mended", [False, True])
def test_killed_at_any_instant(driver: Driver, mended: bool) -> None:
    """Where lines are `mended`, they are asked again at the end, and the file is put in order."""
    broken = range(1, QUESTIONS, 2) if mended else ()
    driver.answers.unlink(missing_ok=True)
    before = b""
    if mended:
        ask(driver, *broken)
        assert driver.run()[0] == 1
        before = driver.answers.read_bytes()
    ask(driver)
    code, whole = driver.run()
    assert code == 0
    expected = without_time(driver.records())
    assert [one["line"] for one in expected] == [*range(1, QUESTIONS + 1)]
    assert all(one["error"] is None for one in expected)
    chance = random.Random(7)
    killed = 0
    driver.answers.write_bytes(before)
    for _ in range(KILLS // 2):
        kept = answered(driver.records())
        code, _ = driver.run(chance.uniform(0.02, 0.9) * whole)
        killed += code == -signal.SIGKILL
        after = answered(driver.records())
        assert {line: after.get(line) for line in kept} == kept
        if code == 0 or chance.random() < 0.3:
            assert driver.run()[0] == 0
            assert without_time(driver.records()) == expected
            driver.answers.write_bytes(before)
    assert driver.run()[0] == 0
    assert without_time(driver.records()) == expected
    assert killed > KILLS / 5
