"""Threads that work through tasks, whose results come in the order of the tasks."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from rag.gathering import Ending

_T = TypeVar("_T")
_R = TypeVar("_R")

# Tasks for each thread that are begun or done before the first of them is handed over.
_AHEAD = 4
# Seconds that whoever stops before the end waits for threads.
_PATIENCE = 1.0


class Crew(Generic[_T, _R]):
    """Up to `workers` threads that each do `work` on one task at a time, in copies of the context.

    Threads start when there is work for them. They are daemons: one that waits for a server does
    not keep the program from ending. `let_go` is called before they are waited for at the end;
    what they have in a gatherer is given up, or comes to its end.
    """

    def __init__(
        self, work: Callable[[_T], _R], workers: int, let_go: Callable[[], None] = lambda: None
    ) -> None:
        self._work = work
        self._workers = workers
        self._let_go = let_go
        self._ending = Ending()
        self._tasks: SimpleQueue[tuple[_T, Future[_R]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def results(self, tasks: Iterable[_T]) -> Generator[_R]:
        """What comes of each of `tasks`, in order, as soon as it is there.

        `tasks` is read by whoever reads the results, only so far ahead that all threads have
        work. What a task raises is raised in its place, and what `tasks` raises after the results
        of those before. Closing this ends the threads: tasks that were not begun are given up,
        and those that were are waited for, but no more than a second.
        """
        waiting: deque[Future[_R]] = deque()
        failed: list[Exception] = []
        try:
            for task in _until_error(tasks, failed):
                waiting.append(self._begun(task))
                while waiting and (waiting[0].done() or len(waiting) >= _AHEAD * self._workers):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            self._stop()
        if failed:
            raise failed[0]

    def _begun(self, task: _T) -> Future[_R]:
        result: Future[_R] = Future()
        self._tasks.put((task, result))
        if len(self._threads) < self._workers:
            name = f"rag-batch-{len(self._threads)}"
            work = copy_context().run
            thread = threading.Thread(target=work, args=(self._run,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        return result

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            given, result = task
            try:
                with self._ending.over_this():
                    result.set_result(self._work(given))
            except BaseException as error:  # noqa: BLE001 raised where somebody waits for it
                result.set_exception(error)
            # Not the answer, while the next task is awaited.
            del task, given, result

    def _stop(self) -> None:
        self._let_go()
        with suppress(Empty):
            while True:
                self._tasks.get_nowait()
        for _ in self._threads:
            self._tasks.put(None)
        self._ending.give_up()
        end = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))


def _until_error(tasks: Iterable[_T], failed: list[Exception]) -> Iterator[_T]:
    """`tasks` up to where they raise; what they raised is put in `failed`."""
    try:
        yield from tasks
    except Exception as error:  # noqa: BLE001 raised when what came before is handed over
        failed.append(error)
