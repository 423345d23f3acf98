"""The progress of an index run, on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from rag.cli.output import count

if TYPE_CHECKING:
    from rag.indexing import Progress

Show: TypeAlias = "Callable[[Progress], None]"


@contextmanager
def index_progress(total: int, *, encodes: bool) -> Iterator[Show | None]:
    """A bar over `total` documents on standard error; None where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("", total=total)
        started = time.monotonic()

        def show(now: Progress) -> None:
            line = progress_line(now, total, time.monotonic() - started, encodes=encodes)
            bars.update(bar, completed=now.looked_at, description=line)

        yield show


def progress_line(now: Progress, total: int, seconds: float, *, encodes: bool) -> str:
    """How far a run of `total` documents is after `seconds`, on one line."""
    parts = [f"{now.looked_at:,} of {count(total, 'document')}", count(now.passages, "passage")]
    if now.encoded and seconds:
        parts.append(f"{now.encoded / seconds:,.0f} encoded/s")
    left = _seconds_left(now, total, seconds, encodes=encodes)
    if left is not None:
        parts.append(f"about {_duration(left)} left")
    return ", ".join(parts)


def _seconds_left(now: Progress, total: int, seconds: float, *, encodes: bool) -> float | None:
    """At the pace so far; None while nothing is known about it."""
    if not now.looked_at or seconds < 2:
        return None
    scale = total / now.looked_at
    if not encodes or not now.passages:
        return seconds * (scale - 1)
    if not now.encoded:
        return None  # encoding is what takes the time, and it has not begun
    return max(0.0, now.passages * scale - now.encoded) * seconds / now.encoded


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds // 3600:.0f} h {seconds % 3600 / 60:.0f} min"
