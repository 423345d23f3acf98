"""Work done in a thread of its own, and what it tells meanwhile, given to whoever waits for it."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Generator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

_T = TypeVar("_T")

Tell: TypeAlias = Callable[[_T], None]


class LateError(Exception):
    """Nothing was told in time."""


class StoppedError(Exception):
    """Nobody waits for the work any more. It is raised where the work tells something."""


@dataclass(frozen=True, slots=True)
class _Told(Generic[_T]):
    item: _T


@dataclass(frozen=True, slots=True)
class _Ended:
    error: Exception | None = None


def _never() -> bool:
    return False


_STOPPED: ContextVar[Callable[[], bool]] = ContextVar("stopped", default=_never)


def stopped() -> bool:
    """Whether nobody waits any more for what the calling thread does."""
    return _STOPPED.get()()


def relayed(work: Callable[[Tell[_T]], object], left: Callable[[], float]) -> Generator[_T]:
    """What `work` tells through its argument, from a thread with a copy of this context.

    The thread goes on while nobody asks for the next, so that `work` should bound what it tells.
    It is waited for `left()` seconds each time, and LateError is raised where that is too short.
    What `work` raises is raised here. When this is closed, or ends in any other way, nobody waits
    for the thread: it ends where `work` next tells something or asks whether it is `stopped`.
    """
    told: queue.SimpleQueue[_Told[_T] | _Ended] = queue.SimpleQueue()
    over = threading.Event()
    run = contextvars.copy_context().run
    thread = threading.Thread(target=run, name="relay", args=(_work, work, told, over), daemon=True)
    try:
        thread.start()
        while isinstance(found := _next(told, left()), _Told):
            yield found.item
        if found.error is not None:
            raise found.error
    finally:
        over.set()


def _next(told: queue.SimpleQueue[_Told[_T] | _Ended], seconds: float) -> _Told[_T] | _Ended:
    try:
        return told.get(timeout=max(seconds, 0))
    except queue.Empty:
        raise LateError from None


def _work(
    work: Callable[[Tell[_T]], object],
    told: queue.SimpleQueue[_Told[_T] | _Ended],
    over: threading.Event,
) -> None:
    outer = _STOPPED.get()
    _STOPPED.set(lambda: over.is_set() or outer())

    def tell(item: _T) -> None:
        if stopped():
            raise StoppedError
        told.put(_Told(item))

    try:
        work(tell)
    except Exception as error:  # noqa: BLE001 raised where somebody waits for it
        told.put(_Ended(error))
    else:
        told.put(_Ended())
