"""Indexing killed at 200 instants: the test of the same name, for longer."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from benchmarks.arguments import CHECKOUT, Arguments, arguments
from benchmarks.record import Record

_TEST = "tests/test_kill.py"
_VARIABLE = "RAGLINE_KILLS"


def measure(given: Arguments) -> None:
    kills = 20 if given.quick else 200
    record = Record("kill", f"Killed while indexing: {kills} times", given.quick)
    start = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", _TEST],
        env={**os.environ, _VARIABLE: str(kills)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    taken = time.perf_counter() - start
    last = ran.stdout.strip().rpartition("\n")[2]
    record.add(f"{_TEST}, {kills} kills", last, "passes", ran.returncode == 0)
    record.figures = {"kills": kills, "passed": ran.returncode == 0, "seconds": taken}
    if ran.returncode != 0:
        print(ran.stdout, ran.stderr, file=sys.stderr)
    record.write()


if __name__ == "__main__":
    measure(arguments(__doc__))
