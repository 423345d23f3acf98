"""The progress of an index run and of a batch, on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from rag.cli.output import clean, count, duration

if TYPE_CHECKING:
    from rag.indexing import Progress

Show: TypeAlias = "Callable[[Progress], None]"


@contextmanager
def index_progress(total: int | None, *, encodes: bool) -> Iterator[Show | None]:
    """A bar over `total` documents, where known, on standard error.

    None where that is no terminal.
    """
    if not sys.stderr.isatty():
        yield None
        return
    with _bar(total) as update:
        started = time.monotonic()
        pace = Pace()

        def show(now: Progress) -> None:
            seconds = time.monotonic() - started
            rate = pace.after(now.encoded, seconds)
            update(now.looked_at, progress_line(now, total, seconds, rate, encodes=encodes))

        yield show


@contextmanager
def question_progress(total: int, known: int) -> Iterator[Callable[[int], None]]:
    """A bar over `total` questions, `known` of them answered before; it is told how many since."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with _bar(total, known) as update:
        started = time.monotonic()

        def show(done: int) -> None:
            seconds = time.monotonic() - started
            update(known + done, question_line(known + done, done, total, seconds))

        yield show


@contextmanager
def _bar(total: int | None, completed: int = 0) -> Iterator[Callable[[int, str], None]]:
    """A bar on standard error; it is told how much is completed, and what to say beside it."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("", total=total, completed=completed)
        yield lambda done, line: bars.update(bar, completed=done, description=line)


def question_line(answered: int, done: int, total: int, seconds: float) -> str:
    """How far a batch is: `done` of the questions were answered in this run's `seconds`."""
    parts = [f"{answered:,} of {count(total, 'question')}"]
    if done and seconds >= 2:
        parts.append(f"{done / seconds:,.1f}/s")
        left = (total - answered) * seconds / done
        if left >= 1:
            parts.append(f"about {duration(left)} left")
    return ", ".join(parts)


@contextmanager
def spoken_progress() -> Iterator[Callable[[str], None] | None]:
    """One line on standard error that is replaced by the next; None where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("") as line:
        yield lambda text: line.update(Text(clean(text)))


class Pace:
    """Passages encoded per second, from the first batch on: loading a model is not encoding."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None

    def after(self, encoded: int, seconds: float) -> float | None:
        """The rate, `encoded` passages being done after `seconds`; None before the second batch."""
        if not encoded:
            return None
        if self._first is None:
            self._first = (encoded, seconds)
        passages, spent = encoded - self._first[0], seconds - self._first[1]
        return passages / spent if passages and spent > 0 else None


def progress_line(
    now: Progress, total: int | None, seconds: float, rate: float | None, *, encodes: bool
) -> str:
    """How far a run is after `seconds`, encoding `rate` passages a second.

    It is over `total` documents, None where nobody knows how many there are.
    """
    of = "" if total is None else f" of {count(total, 'document')}"
    parts = [f"{now.looked_at:,}{of or ' looked at'}", count(now.passages, "passage")]
    if encodes and now.encoded:
        parts.append(f"{now.encoded:,} encoded" + (f" ({rate:,.0f}/s)" if rate else ""))
    elif encodes and now.passages:
        # It is converted then, which takes some seconds in which nothing else moves.
        parts.append("none encoded yet (a model's first use takes longer)")
    if now.judging:
        parts.append("judging what is worth indexing")
    left = _seconds_left(now, total, seconds, rate, encodes=encodes)
    if left is not None and left >= 1:
        parts.append(f"about {duration(left)} left")
    return ", ".join(parts)


def _seconds_left(
    now: Progress, total: int | None, seconds: float, rate: float | None, *, encodes: bool
) -> float | None:
    """At the pace so far; None while nothing is known about it."""
    if total is None or not now.looked_at or seconds < 2:
        return None
    scale = total / now.looked_at
    if not encodes or not now.passages:
        return seconds * (scale - 1)
    if rate is None:
        return None  # encoding is what takes the time, and its pace is not known yet
    return max(0.0, now.passages * scale - now.encoded) / rate
