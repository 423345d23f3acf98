"""One Rag for 64 threads and 200 asyncio tasks, with a re-index and a rebuild in the middle.

Every document says in each sentence which version it is of. An answer whose hits and citations
speak of two versions was made of two states of the index.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import Arguments, arguments
from benchmarks.record import Record
from rag import Answer, Rag

_THREADS, _TASKS, _QUESTIONS = 64, 200, 1_000
_NAMES = ("lamp", "oil", "storm", "ferry", "dog", "island", "stair", "keeper", "gull", "anchor")
_VERSION = re.compile(r"version (\d+)\b")
_DESCRIPTORS = Path("/proc/self/fd")
_OVERRIDES = ("answer.min_score=0",)


@dataclass(slots=True)
class Seen:
    """What came of questions: answers by version, mixed ones, errors."""

    versions: Counter[str] = field(default_factory=Counter)
    mixed: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, answer: Answer | Exception) -> None:
        """Count one."""
        with self.lock:
            if isinstance(answer, Exception):
                self.errors[f"{type(answer).__name__}: {answer}"[:200]] += 1
                return
            texts = [hit.passage.text for hit in answer.hits]
            texts += [citation.quote for citation in answer.citations]
            found = {version for text in texts for version in _VERSION.findall(text)}
            self.mixed += len(found) != 1
            self.versions.update(found)


def measure(given: Arguments) -> None:
    record = Record("sharing", "One Rag for many threads and tasks", given.quick)
    for preset in ("bm25", "hybrid")[: 1 if given.quick else None]:
        with TemporaryDirectory(prefix="ragline-") as place:
            _measure(record, preset, Path(place), 100 if given.quick else _QUESTIONS)
    record.write()


def _measure(record: Record, preset: str, place: Path, questions: int) -> None:
    folder = _written(place / "documents", 1)
    with Rag.open(place / ".rag", pipeline=preset, overrides=_OVERRIDES) as rag:
        rag.index(folder)
        rag.ask(_question(0))
        for name, work in (
            (f"{_THREADS} threads", lambda: _threads(rag, folder, questions)),
            (f"{_TASKS} tasks", lambda: _tasks(rag, folder, questions)),
        ):
            _report(record, f"{preset}, {name}", work)
        _leaks(record, preset, rag, questions)


def _report(record: Record, name: str, work: Callable[[], Seen]) -> None:
    began = time.perf_counter()
    seen = work()
    seconds = time.perf_counter() - began
    asked = seen.versions.total() + seen.mixed + seen.errors.total()
    wrong = seen.mixed + seen.errors.total()
    record.add(f"{name}: errors and mixed answers", f"{wrong} of {asked}", "0", wrong == 0)
    record.add(f"{name}: questions a second, indexing included", f"{asked / seconds:.0f}")
    record.figures[name] = {
        "versions": dict(seen.versions),
        "mixed": seen.mixed,
        "errors": dict(seen.errors),
        "seconds": seconds,
    }


def _threads(rag: Rag, folder: Path, questions: int) -> Seen:
    seen = Seen()
    with ThreadPoolExecutor(_THREADS) as pool:
        asked = [pool.submit(_ask, rag, number, seen) for number in range(questions)]
        _updated(rag, folder)
        for one in asked:
            one.result()
    return seen


def _ask(rag: Rag, number: int, seen: Seen) -> None:
    try:
        seen.take(rag.ask(_question(number)))
    except Exception as error:  # noqa: BLE001 it is what is counted
        seen.take(error)


def _tasks(rag: Rag, folder: Path, questions: int) -> Seen:
    seen = Seen()

    async def one(first: int) -> None:
        for number in range(first, questions, _TASKS):
            try:
                seen.take(await rag.aask(_question(number)))
            except Exception as error:  # noqa: BLE001 it is what is counted
                seen.take(error)

    async def everything() -> None:
        updated = asyncio.create_task(asyncio.to_thread(_updated, rag, folder))
        await asyncio.gather(*(one(first) for first in range(_TASKS)))
        await updated

    asyncio.run(everything())
    return seen


def _updated(rag: Rag, folder: Path) -> None:
    rag.index(_written(folder, 2))
    rag.index(_written(folder, 3), rebuild=True)


def _leaks(record: Record, preset: str, rag: Rag, questions: int) -> None:
    """Files and memory before and after more questions, and an update each hundred."""
    before, memory = _files(), _memory()
    for number in range(questions):
        if number % 100 == 0:
            rag.index(_written(rag.folder.parent / "documents", 10 + number))
        rag.ask(_question(number))
    grown = _files() - before
    what = f"{preset}: open files more after {questions} questions"
    record.add(what, str(grown), "<= 4", grown <= 4)
    record.add(f"{preset}: peak memory more", f"{(_memory() - memory) / 1e6:.0f} MB")


def _files() -> int:
    return len(os.listdir(_DESCRIPTORS)) if _DESCRIPTORS.is_dir() else 0  # noqa: PTH208


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _question(number: int) -> str:
    return f"When does the {_NAMES[number % len(_NAMES)]} of the island travel?"


def _written(folder: Path, version: int) -> Path:
    """Documents that all say `version`; an index run commits them together."""
    folder.mkdir(exist_ok=True)
    for name in _NAMES:
        (folder / f"{name}.txt").write_text(
            f"The {name} of the island does travel at nine in version {version}. "
            f"Every evening the {name} is at the stair in version {version}."
        )
    return folder


if __name__ == "__main__":
    measure(arguments(__doc__))
