"""Threads in which the questions of an event loop are answered."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from rag.errors import RequestError

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Most of them wait for a chat model or for SQLite; whoever comes later waits in line.
MOST = 32
CLOSED = "this Rag is closed: open another with Rag.open"


class Threads:
    """Up to `most` threads, each started when there is work and none of the others is free."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._streams = 0
        self._closed = False

    async def run(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What `call` returns, with the caller's context variables.

        A task that is cancelled no longer waits for it; a call that has begun comes to its end.
        Raises RequestError where this is closed.
        """
        import asyncio

        self._check_open()
        wanted = partial(copy_context().run, call, *args, **kwargs)
        return await asyncio.wrap_future(self._submitted(wanted))

    async def stream(self, events: Iterator[_T]) -> AsyncGenerator[_T]:
        """`events`, each made when it is asked for, in whichever thread is free then.

        So a slow reader holds no thread, and nothing is made ahead of it. `events` is closed when
        the last was read, when this is closed, or when the task that reads it is cancelled: at
        once, or, where the next event is just being made, after that.
        """
        import asyncio

        context, over = copy_context(), cast(_T, object())
        made: Future[_T] | None = None
        with self._streaming():
            try:
                while True:
                    made = self._submitted(partial(context.run, next, events, over))
                    event = await asyncio.wrap_future(made)
                    if event is over:
                        return
                    yield event
            finally:
                if made is not None and isinstance(events, Generator):
                    await self._ended(made, partial(context.run, events.close))

    def close(self) -> None:
        """Take no more calls; threads end when what was taken is done, streams included."""
        with self._lock:
            self._closed = True
        self._release()

    async def _ended(self, made: Future[_T], close: Callable[[], None]) -> None:
        """`close` when `made` is done; whoever was cancelled does not wait for a model."""
        import asyncio

        if made.done() and not made.cancelled():
            await asyncio.wrap_future(self._submitted(close))
        else:
            made.add_done_callback(lambda _: self._submitted(close))

    @contextmanager
    def _streaming(self) -> Generator[None]:
        self._check_open()
        with self._lock:
            self._streams += 1
        try:
            yield
        finally:
            with self._lock:
                self._streams -= 1
            self._release()

    def _check_open(self) -> None:
        if self._closed:
            raise RequestError(CLOSED)

    def _release(self) -> None:
        """End the threads where nothing can come any more."""
        with self._lock:
            if not self._closed or self._streams:
                return
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)

    def _submitted(self, call: Callable[[], _T]) -> Future[_T]:
        """`call` in a thread; in this one where the others have ended, and little is left to do."""
        from concurrent.futures import Future, ThreadPoolExecutor

        with self._lock:
            if self._pool is None and not (self._closed and not self._streams):
                self._pool = ThreadPoolExecutor(self._most, thread_name_prefix="rag-ask")
            if self._pool is not None:
                return self._pool.submit(call)
        future: Future[_T] = Future()
        future.set_result(call())
        return future
