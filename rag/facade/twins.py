"""The same questions for asynchronous code: `await rag.aask(...)` is `rag.ask(...)` in a thread.

Nothing is written twice: a twin has the parameters, the checks and the errors of its method.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from functools import wraps
from types import MethodType, TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from rag.facade.batches import Batches
from rag.facade.upkeep import Upkeep

if TYPE_CHECKING:
    from typing import Self

_P = ParamSpec("_P")
_T = TypeVar("_T")
_R = TypeVar("_R")


class Twin(Generic[_P, _R]):
    """A method made of another one, with its parameters."""

    def __init__(self, made: Callable[..., _R], name: str) -> None:
        self._made: Any = made
        self._of = name

    def __set_name__(self, owner: type, name: str) -> None:
        made = self._made
        made.__name__, made.__qualname__ = name, f"{owner.__qualname__}.{name}"
        made.__module__ = owner.__module__
        made.__doc__ = f"`{self._of}` for asynchronous code: the same, in a thread."

    @overload
    def __get__(self, rag: None, owner: type) -> Callable[Concatenate[Any, _P], _R]: ...

    @overload
    def __get__(self, rag: Twins, owner: type) -> Callable[_P, _R]: ...

    def __get__(self, rag: Twins | None, owner: type) -> Callable[..., _R]:
        made: Callable[..., _R] = self._made if rag is None else MethodType(self._made, rag)
        return made


def _called(
    method: Callable[Concatenate[Any, _P], _T],
) -> Twin[_P, Coroutine[Any, Any, _T]]:
    """What `method` returns, awaited."""
    name = method.__name__

    @wraps(method)
    async def twin(rag: Twins, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        # By name, so that a subclass's own method is the one that is called.
        found: _T = await rag._threads.run(getattr(rag, name), *args, **kwargs)
        return found

    return Twin(twin, name)


def _streamed(
    method: Callable[Concatenate[Any, _P], Iterator[_T]],
) -> Twin[_P, AsyncGenerator[_T]]:
    """What `method` yields, one by one; what it refuses is refused at once."""
    name = method.__name__

    @wraps(method)
    def twin(rag: Twins, *args: _P.args, **kwargs: _P.kwargs) -> AsyncGenerator[_T]:
        return rag._threads.stream(getattr(rag, name)(*args, **kwargs))

    return Twin(twin, name)


class Twins(Upkeep, Batches):
    """Methods for asynchronous code, under asyncio. None of them blocks the event loop.

    They share the threads of their Rag. `astream`, `abatch` and `asearch_many` are asynchronous
    generators: close one that is not read to its end (`aclose`, or `contextlib.aclosing`).
    """

    asearch = _called(Batches.search)
    aask = _called(Batches.ask)
    astream = _streamed(Batches.stream)
    abatch = _streamed(Batches.batch)
    asearch_many = _streamed(Batches.search_many)
    aexplain = _called(Batches.explain)
    aindex = _called(Upkeep.index)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import asyncio

        # It waits for the processes that parse.
        await asyncio.to_thread(self.close)
