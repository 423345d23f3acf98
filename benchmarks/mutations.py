"""Damaged and hostile files of every format, read in worker processes with small limits.

The cases are those of `tests/connectors/test_mutations.py`, in greater number.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.arguments import CHECKOUT, Arguments, arguments
from benchmarks.record import Record

sys.path.insert(0, str(CHECKOUT / "tests" / "connectors"))

from attempts import Case, Outcome, attempts, damaged, extensions, formats
from bombs import bombs

from rag.connectors.formats.format import Format
from rag.connectors.parsing.pool import ParserPool

_COUNT = 2_000
_QUICK_COUNT = 50
_SEED = 2
_SECONDS = 20
_MEMORY = 500_000_000
_START_MEMORY = 100_000_000
_WORKERS = 2
_SHOWN = 5
_FAULTS = ("crashed", "unlawful", "leaked")
_CONTAINED = ("late", "memory")


def measure(given: Arguments) -> None:
    count = _QUICK_COUNT if given.quick else _COUNT
    title = f"Mutated files: {count:,} of each format, and its bombs"
    record = Record("mutations", title, given.quick)
    outcomes: dict[str, list[Outcome]] = {}
    with _place() as place:
        for name, reader in formats().items():
            started = time.perf_counter()
            with ParserPool(workers=_WORKERS, seconds=_SECONDS, memory=_MEMORY) as pool:
                outcomes[name] = list(attempts(pool.parse, _cases(reader, count), _WORKERS))
            print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)
        left = sorted(str(one.relative_to(place)) for one in place.rglob("*"))
    for name, found in outcomes.items():
        record.add(name, _told(found))
        record.figures[name] = _figures(found)
    _add_bars(record, [one for found in outcomes.values() for one in found], left)
    record.write()


def _add_bars(record: Record, found: list[Outcome], left: list[str]) -> None:
    counts = Counter(one.result for one in found)
    for what, results in (
        ("crashed their reader", ("crashed",)),
        ("broke the law of blocks or told of another file", ("unlawful", "leaked")),
    ):
        number = sum(counts[one] for one in results)
        record.add(what, str(number), "0", number == 0)
    slowest = max(one.seconds for one in found)
    record.add("slowest file", f"{slowest:.1f} s", f"<= {_SECONDS + 2} s", slowest <= _SECONDS + 2)
    record.add("ended at a limit", ", ".join(f"{counts[one]} {one}" for one in _CONTAINED))
    most = _MEMORY + _START_MEMORY
    peak = _peak(resource.RUSAGE_CHILDREN)
    record.add(
        "peak memory of a worker",
        f"{peak / 1e6:.0f} MB",
        f"<= {most / 1e6:.0f} MB, its start included",
        peak <= most,
    )
    record.add("peak memory of the parent", f"{_peak(resource.RUSAGE_SELF) / 1e6:.0f} MB")
    well = left == ["in", "in/temporary", "in/working"]
    record.add("files written", "none" if well else ", ".join(left), "none", well)


def _cases(reader: Format, count: int) -> Iterator[tuple[Format, Case]]:
    for case in damaged(reader, count, _SEED):
        yield reader, case
    for extension in extensions(reader):
        for label, data in bombs(extension):
            yield reader, Case(label, extension, data)


def _told(found: list[Outcome]) -> str:
    counts = Counter(one.result for one in found)
    slowest = max(found, key=lambda one: one.seconds)
    told = ", ".join(f"{number:,} {result}" for result, number in counts.most_common())
    return f"{told}; slowest {slowest.seconds:.1f} s ({slowest.label})"


def _figures(found: list[Outcome]) -> dict[str, Any]:
    kinds = Counter(f"{one.result}: {one.kind}" for one in found if one.reason)
    slow = sorted(found, key=lambda one: -one.seconds)[:_SHOWN]
    return {
        "results": dict(Counter(one.result for one in found)),
        "reasons": dict(kinds.most_common(20)),
        "slowest": {one.label: round(one.seconds, 2) for one in slow},
        "faults": {one.label: one.reason[:200] for one in found if one.result in _FAULTS},
        "contained": {one.label: one.reason for one in found if one.result in _CONTAINED},
        "unforeseen": {one.kind: one.label for one in reversed(found) if one.result == "stray"},
    }


def _peak(who: int) -> int:
    """Bytes. Linux counts kilobytes, macOS bytes."""
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def _place() -> Iterator[Path]:
    """An empty folder, in which the working and the temporary folder lie for a while."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="ragline-") as outer:
        place = Path(outer)
        for name in ("working", "temporary"):
            (place / "in" / name).mkdir(parents=True)
        os.environ["TMPDIR"] = str(place / "in" / "temporary")
        tempfile.tempdir = None
        os.chdir(place / "in" / "working")
        try:
            yield place
        finally:
            os.chdir(before)
            del os.environ["TMPDIR"]
            tempfile.tempdir = None


if __name__ == "__main__":
    measure(arguments(__doc__))
