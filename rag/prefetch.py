"""Loading documents in threads, ahead of whoever works through them in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TypeAlias

from rag.types import Document, Failure, Item

_Task: TypeAlias = tuple[Item, "Future[Document]"]

_PASSING = 1_000
"""Items in the queue, those for which nothing is loaded among them."""
_PULLS = 2
"""Items pulled at each turn, so that the queue fills up even if the front is always ready."""


def prefetch(
    items: Iterator[Item | Failure],
    wanted: Callable[[Item], bool] = lambda _: True,
    *,
    workers: int,
    ahead: int,
    most_bytes: int,
) -> Generator[Item | Failure]:
    """`items` in their order, those that are `wanted` being loaded by `workers` threads.

    `load` of an item that is handed over gives what was loaded, or raises what was raised.
    `items` and `wanted` are called in the consumer's thread alone. At most `ahead` documents
    wait or load, and no more than `most_bytes` by the sizes of their items, but always one.
    Where `items` raises, all that it gave before is handed over first. Closing the generator
    gives up what has not begun to load and waits for nothing.
    """
    queue = _Queue(items, wanted, _Crew(workers), ahead, most_bytes)
    try:
        yield from queue.drain()
    except BaseException:
        queue.crew.abandon()
        raise
    finally:
        queue.crew.stop()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What the consumer has not had yet; `cost` is in bytes, 0 where nothing is loaded."""

    item: Item | Failure
    cost: int = 0
    loading: Future[Document] | None = None

    @property
    def ready(self) -> bool:
        return self.loading is None or self.loading.done()

    @property
    def handed_over(self) -> Item | Failure:
        if self.loading is None or isinstance(self.item, Failure):
            return self.item
        return replace(self.item, load=self.loading.result)


class _Queue:
    def __init__(
        self,
        items: Iterator[Item | Failure],
        wanted: Callable[[Item], bool],
        crew: _Crew,
        ahead: int,
        most_bytes: int,
    ) -> None:
        self.crew = crew
        self._items = items
        self._wanted = wanted
        self._ahead = ahead
        self._most_bytes = most_bytes
        # An item of unknown size counts as an even share.
        self._share = max(most_bytes // max(ahead, 1), 1)
        self._waiting: deque[_Waiting] = deque()
        self._held: _Waiting | None = None
        self._ended = False
        self._error: Exception | None = None
        self._loads = self._bytes = 0

    def drain(self) -> Iterator[Item | Failure]:
        """Every item in order; raises at the end what the listing raised."""
        while True:
            self._fill()
            if not self._waiting:
                break
            first = self._waiting.popleft()
            cost = first.cost
            handed_over = first.handed_over
            del first
            yield handed_over
            # Not the document, while the next is awaited.
            del handed_over
            self._loads -= bool(cost)
            self._bytes -= cost
        if self._error is not None:
            raise self._error

    def _fill(self) -> None:
        """Pull items until the first can be handed over, or no more may wait."""
        pulled = 0
        while pulled < _PULLS or not (self._waiting and self._waiting[0].ready):
            self._held = self._held or self._pulled()
            if self._held is None or not self._fits(self._held):
                return
            self._append(self._held)
            self._held = None
            pulled += 1

    def _pulled(self) -> _Waiting | None:
        if self._ended:
            return None
        try:
            item = next(self._items, None)
            if item is not None:
                loads = isinstance(item, Item) and self._wanted(item)
                return _Waiting(item, self._cost(item) if loads else 0)
        except Exception as error:  # noqa: BLE001 - it is raised in its place
            self._error = error
        self._ended = True
        return None

    def _cost(self, item: Item | Failure) -> int:
        size = item.size if isinstance(item, Item) else None
        return self._share if size is None else max(size, 1)

    def _fits(self, one: _Waiting) -> bool:
        if len(self._waiting) >= _PASSING:
            return False
        fits = self._loads < self._ahead and self._bytes + one.cost <= self._most_bytes
        return not one.cost or not self._loads or fits

    def _append(self, one: _Waiting) -> None:
        if one.cost and isinstance(one.item, Item):
            self._loads += 1
            self._bytes += one.cost
            one = replace(one, loading=self.crew.load(one.item))
        self._waiting.append(one)


class _Crew:
    """Threads that load what they are given, in order; they start with the first item."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._started = False

    def load(self, item: Item) -> Future[Document]:
        if not self._started:
            self._started = True
            for number in range(self._workers):
                # A daemon: a load that hangs does not keep the program from ending.
                name = f"rag-load-{number}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
        loading: Future[Document] = Future()
        self._tasks.put((item, loading))
        return loading

    def abandon(self) -> None:
        """Give up what has not begun."""
        with suppress(Empty):
            while (task := self._tasks.get_nowait()) is not None:
                task[1].cancel()

    def stop(self) -> None:
        """Let each thread end once there is no more to load."""
        if self._started:
            for _ in range(self._workers):
                self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            _load(*task)
            # Not the document, while the next task is awaited.
            del task


def _load(item: Item, loading: Future[Document]) -> None:
    if not loading.set_running_or_notify_cancel():
        return
    try:
        document = item.load()
    except BaseException as error:  # noqa: BLE001 - it is the consumer's, where it is asked for
        loading.set_exception(error)
    else:
        loading.set_result(document)
