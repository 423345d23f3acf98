"""Clocks: times of calls and of commands, and the spread of several."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

COMMAND = str(Path(sys.executable).with_name("rag"))


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several measurements and their range."""

    median: float
    low: float
    high: float

    def text(self, unit: str, digits: int = 2) -> str:
        """For a table."""
        if self.low == self.high:
            return f"{self.median:.{digits}f} {unit}".strip()
        shown = f"{self.median:.{digits}f} {unit}".strip()
        return f"{shown} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def spread(values: Sequence[float]) -> Spread:
    """The spread of `values`."""
    return Spread(median(values), min(values), max(values))


def seconds(call: Callable[[], object]) -> float:
    """How long `call` takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def interleaved(
    calls: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Seconds of each call in each round: all take turns, so that all meet the same noise."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(warm_up + rounds):
        for name, call in calls.items():
            taken = seconds(call)
            if turn >= warm_up:
                times[name].append(taken)
    return times


def resident() -> int:
    """Bytes of this process's memory, with what is mapped from files."""
    return _status("VmRSS")


def own() -> int:
    """The same without what is mapped from files, which the system takes back when it needs to."""
    return _status("RssAnon")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1_024


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended well: wall time, peak memory in bytes, and what it wrote."""

    seconds: float
    peak: int
    stdout: str
    stderr: str


def run(command: Sequence[str | Path], **environment: str) -> Ran:
    """Run a command to its end. Raises RuntimeError, with what it wrote, where it fails.

    The system counts the memory of this process at the start of the command as the command's:
    a peak below this process's own is not seen.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout, stderr = _content(out), _content(err)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {process.returncode}\n{stderr[-2000:]}")
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Ran(taken, usage.ru_maxrss * unit, stdout, stderr)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
