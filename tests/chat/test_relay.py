"""Work in a thread that nobody has to wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from rag.chat.relay import LateError, StoppedError, Tell, relayed, stopped


def in_time() -> float:
    return 10.0


def test_what_is_told_comes_in_order() -> None:
    def work(tell: Tell[int]) -> None:
        for number in range(5):
            tell(number)

    assert list(relayed(work, in_time)) == [0, 1, 2, 3, 4]
    assert threading.current_thread() is threading.main_thread()


def test_nothing_begins_before_the_first_is_asked_for() -> None:
    begun = threading.Event()

    def work(tell: Tell[int]) -> None:
        begun.set()

    told = relayed(work, in_time)
    assert not begun.wait(0.05)
    assert list(told) == []
    assert begun.is_set()


def test_what_is_raised_comes_after_what_was_told() -> None:
    def work(tell: Tell[int]) -> None:
        tell(1)
        raise KeyError("x")

    told = relayed(work, in_time)
    assert next(told) == 1
    with pytest.raises(KeyError):
        next(told)


def _noting(
    ended: threading.Event, raised: list[Exception], gate: threading.Event
) -> Callable[[Tell[int]], None]:
    """Tells 1, and 2 once the gate is open."""

    def work(tell: Tell[int]) -> None:
        try:
            tell(1)
            gate.wait(10)
            assert stopped()
            tell(2)
        except StoppedError as error:
            raised.append(error)
        finally:
            ended.set()

    return work


def test_nobody_waits_longer_than_there_is_time() -> None:
    ended, gate, raised = threading.Event(), threading.Event(), list[Exception]()
    told = relayed(_noting(ended, raised, gate), lambda: 0.2)
    assert next(told) == 1
    started = time.monotonic()
    with pytest.raises(LateError):
        next(told)
    assert time.monotonic() - started < 3
    gate.set()
    assert ended.wait(10)
    assert len(raised) == 1


def test_closing_stops_the_work() -> None:
    ended, gate, raised = threading.Event(), threading.Event(), list[Exception]()
    told = relayed(_noting(ended, raised, gate), in_time)
    assert next(told) == 1
    assert not stopped()
    told.close()
    gate.set()
    assert ended.wait(10)
    assert len(raised) == 1


def test_what_came_in_time_is_there_when_time_is_over() -> None:
    ended = threading.Event()

    def work(tell: Tell[int]) -> None:
        tell(1)
        tell(2)
        ended.set()

    left = [10.0]
    told = relayed(work, lambda: left[0])
    assert next(told) == 1
    assert ended.wait(10)
    left[0] = -1.0
    time.sleep(0.05)
    assert list(told) == [2]


def test_work_within_work_is_stopped_too() -> None:
    ended = threading.Event()

    def inner(tell: Tell[int]) -> None:
        try:
            for number in range(10_000):
                time.sleep(0.001)
                tell(number)
        finally:
            ended.set()

    def outer(tell: Tell[int]) -> None:
        for number in relayed(inner, in_time):
            tell(number)

    told = relayed(outer, in_time)
    assert [next(told), next(told)] == [0, 1]
    told.close()
    assert ended.wait(5)


def test_work_within_work_may_ask_whether_it_is_stopped() -> None:
    begun, ended = threading.Event(), threading.Event()

    def inner(tell: Tell[int]) -> None:
        tell(1)
        begun.set()
        while not stopped():
            time.sleep(0.001)
        ended.set()

    def outer(tell: Tell[int]) -> None:
        for number in relayed(inner, in_time):
            tell(number)

    told = relayed(outer, in_time)
    assert next(told) == 1
    assert begun.wait(5)
    assert not ended.wait(0.05)
    told.close()
    assert ended.wait(5)
