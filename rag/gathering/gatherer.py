"""What threads ask for at the same time, done together.

There is no clock in this. Who finds nobody at work begins at once, so that one who is alone loses
nothing; what others ask for meanwhile waits, and is done together after that (as databases commit
in groups). The busier it is, the larger its batches.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rag.gathering.ending import Ending

_K = TypeVar("_K", bound=Hashable)
_T = TypeVar("_T")
_R = TypeVar("_R")

# Seconds that closing waits for what is under way.
_PATIENCE = 10.0


class Gatherer(Generic[_K, _T, _R]):
    """Gives each thread what `work` makes of its task; tasks of one kind that wait are one batch.

    `work` is given a kind and tasks, up to `full` of them as `size` counts, but one at least, and
    gives a result for each, in their order. One thread at a time is in it, so that it needs no
    lock of its own; it must not ask this gatherer. What it raises for several tasks is looked
    into: each is done alone then, and its thread gets the error that it alone leads to. `closed`
    makes the error for whoever asks of a gatherer that was closed, or is given up (`Ending`).
    """

    def __init__(
        self,
        work: Callable[[_K, Sequence[_T]], Sequence[_R]],
        *,
        full: int,
        size: Callable[[_T], int] = lambda _: 1,
        closed: Callable[[], Exception] = lambda: RuntimeError("the gatherer is closed"),
    ) -> None:
        self._work = work
        self._full = full
        self._size = size
        self._error_when_closed = closed
        self._turn = threading.Condition()
        self._waiting: deque[_Request[_K, _T, _R]] = deque()
        self._busy = False
        self._closed = False

    def result(self, kind: _K, task: _T) -> _R:
        """What `work` gives for `task`, done in this thread or in another one that asks too.

        Raises what `work` raises for this task, and the error of `closed`.
        """
        request: _Request[_K, _T, _R] = _Request(kind, task, self._size(task))
        with self._turn:
            self._waiting.append(request)
        try:
            while not request.done:
                if batch := self._next(request):
                    with nullcontext() if request.ending is None else request.ending.working():
                        self._lead(batch)
        except BaseException:
            self._forget(request)
            raise
        return request.taken()

    @property
    def waiting(self) -> int:
        """How many tasks wait for their turn."""
        return len(self._waiting)

    def check_open(self) -> None:
        """Raise the error of `closed` where this is closed: for work that is done in parts."""
        if self._closed:
            raise self._error_when_closed()

    def close(self) -> None:
        """Do no more: threads that wait, and those that ask from now on, get the error of `closed`.

        What is just being done is waited for, ten seconds at most, as a program that ends within
        a model's own code ends badly.
        """
        with self._turn:
            self._closed = True
            self._turn.notify_all()
            self._turn.wait_for(lambda: not self._busy, _PATIENCE)

    def _next(self, request: _Request[_K, _T, _R]) -> list[_Request[_K, _T, _R]]:
        """What the thread of `request` is to do now; nothing where another one did it."""
        with self._turn:
            self._turn.wait_for(
                lambda: request.done or request.given_up or self._closed or not self._busy
            )
            if request.done:
                return []
            self.check_open()
            if request.given_up:
                raise self._error_when_closed()
            batch = self._gathered()
            self._busy = True
            return batch

    def _gathered(self) -> list[_Request[_K, _T, _R]]:
        """Requests of the kind that has waited longest, in order, up to a full batch.

        Those that were given up are left to their own threads.
        """
        wanted = [one for one in self._waiting if not one.given_up]
        if not wanted:
            raise self._error_when_closed()
        batch: list[_Request[_K, _T, _R]] = []
        size = 0
        for request in wanted:
            fits = not batch or size + request.size <= self._full
            if fits and request.kind == wanted[0].kind:
                batch.append(request)
                size += request.size
        taken = set(map(id, batch))
        self._waiting = deque(one for one in self._waiting if id(one) not in taken)
        return batch

    def _lead(self, batch: Sequence[_Request[_K, _T, _R]]) -> None:
        """Do `batch`; whatever happens, others get their turn."""
        try:
            self._fill(batch)
        finally:
            with self._turn:
                self._waiting.extendleft(one for one in reversed(batch) if not one.done)
                self._busy = False
                self._turn.notify_all()

    def _fill(self, batch: Sequence[_Request[_K, _T, _R]]) -> None:
        """Give each request its result, or the error that it alone leads to."""
        try:
            results = list(self._work(batch[0].kind, [one.task for one in batch]))
            if len(results) != len(batch):
                raise ValueError(f"{len(results)} results for {len(batch)} tasks")
        except Exception as error:  # noqa: BLE001 raised where somebody waits for it
            if len(batch) == 1:
                batch[0].error = error
                return
            for one in batch:
                self._fill([one])
            return
        for one, result in zip(batch, results, strict=True):
            one.found = (result,)

    def _forget(self, request: _Request[_K, _T, _R]) -> None:
        """Nobody waits for `request` any more."""
        with self._turn:
            if request in self._waiting:
                self._waiting.remove(request)


@dataclass(slots=True, eq=False)
class _Request(Generic[_K, _T, _R]):
    """The task that one thread waits for, and what came of it."""

    kind: _K
    task: _T
    size: int
    ending: Ending | None = field(default_factory=Ending.current)
    found: tuple[_R] | None = None
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.found is not None or self.error is not None

    @property
    def given_up(self) -> bool:
        return self.ending is not None and self.ending.given_up

    def taken(self) -> _R:
        """What the task led to. Raises what doing it raised."""
        if self.error is not None:
            raise self.error
        assert self.found is not None
        return self.found[0]
