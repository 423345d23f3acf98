"""Jobs done by a thread of their own, one after the other, while their makers do other work."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Label = TypeVar("Label")
Result = TypeVar("Result")

# One job is being done while the result of the one before it waits to be taken.
_UNDER_WAY = 2


class Overlap(Generic[Label, Result]):
    """At most two jobs are under way: waiting for the thread, in it, or done and not yet taken.

    Results come in the order of their jobs, with what the job was labelled and the seconds that
    it took. What a job raises is raised where its result would be taken.
    """

    def __init__(self, name: str) -> None:
        # Not a daemon: a model's library may not survive being left in the middle of its work
        # when the interpreter goes. The program ends when the job in hand is done.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._jobs: deque[tuple[Label, Future[tuple[Result, float]]]] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def full(self) -> bool:
        """Whether no job can be given now: a result has to be taken first, or all is over."""
        return self._closed or len(self._jobs) >= _UNDER_WAY

    @property
    def done(self) -> bool:
        """Whether the next result can be taken without waiting for it."""
        return bool(self._jobs) and self._jobs[0][1].done()

    @property
    def failed(self) -> bool:
        """Whether taking the next result would raise. Only for what is done."""
        future = self._jobs[0][1]
        return future.cancelled() or future.exception() is not None

    def give(self, label: Label, job: Callable[[], Result]) -> None:
        """Have a job done."""
        self._jobs.append((label, self._thread.submit(_timed, job)))

    def take(self) -> tuple[Label, Result, float]:
        """Wait for the next result."""
        label, future = self._jobs.popleft()
        result, seconds = future.result()
        return label, result, seconds

    def close(self) -> None:
        """Give up what has not begun; nothing is waited for."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)


def _timed(job: Callable[[], Result]) -> tuple[Result, float]:
    started = time.perf_counter()
    result = job()
    return result, time.perf_counter() - started
