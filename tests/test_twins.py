"""What asynchronous code is given: the same questions, in threads, without blocking the loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from speaking import CALLER, Speaker, speaking
from versioned import QUESTIONS, versions, write

from rag import Answer, Delta, Rag, Ranking
from rag.errors import NoIndexError, RequestError
from rag.facade.threads import MOST, Threads
from rag.types import Event

TWINS = ("search", "search_many", "ask", "stream", "explain", "index")


@pytest.fixture
def rag(tmp_path: Path) -> Iterator[Rag]:
    overrides = ("answer.min_score=0",)
    with Rag.open(tmp_path / ".rag", pipeline="bm25", overrides=overrides, workers=0) as made:
        made.index(write(tmp_path / "documents", 1))
        yield made


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_has_the_parameters_of_its_method(name: str) -> None:
    method, twin = getattr(Rag, name), getattr(Rag, f"a{name}")
    assert inspect.signature(twin).parameters == inspect.signature(method).parameters
    assert twin.__name__ == f"a{name}"
    assert twin.__doc__


def test_twins_say_what_their_methods_say(rag: Rag, tmp_path: Path) -> None:
    async def asked() -> None:
        question = QUESTIONS[0]
        assert inspect.iscoroutinefunction(rag.aask)
        assert (await rag.asearch(question)).hits == rag.search(question).hits
        found, answer = await rag.aask(question, filters='source~"lamp"'), rag.ask(question)
        assert found.text == answer.text
        assert (await rag.aexplain(question)).ranking.hits == rag.search(question).hits
        assert (await rag.aindex(write(tmp_path / "documents", 2))).changed == 8
        assert versions(await rag.aask(question)) == {"2"}

    asyncio.run(asked())


def test_a_stream_tells_the_same_as_the_answer(rag: Rag) -> None:
    async def events() -> list[Event]:
        return [event async for event in rag.astream(QUESTIONS[1])]

    first, *pieces, last = asyncio.run(events())
    assert isinstance(first, Ranking)
    assert isinstance(last, Answer)
    assert "".join(piece.text for piece in pieces if isinstance(piece, Delta)) == last.text
    assert last.text == rag.ask(QUESTIONS[1]).text


def test_errors_are_those_of_the_method(rag: Rag, tmp_path: Path) -> None:
    async def refused() -> None:
        with pytest.raises(RequestError):
            await rag.aask("")
        # Before anything is read of it, as `stream` does.
        with pytest.raises(RequestError):
            rag.astream("")
        with pytest.raises(RequestError, match="no document has a field"):
            async for _ in rag.astream("lamp", filters="colour=red"):
                pass
        async with Rag.open(tmp_path / "nowhere", pipeline="bm25") as other:
            with pytest.raises(NoIndexError):
                await other.aask("lamp")

    asyncio.run(refused())


def test_the_event_loop_goes_on(rag: Rag) -> None:
    speaker = speaking(rag, Speaker(pause=0.02, words=10))
    ticks = 0

    async def heart() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    async def asked() -> None:
        beating = asyncio.create_task(heart())
        await rag.aask(QUESTIONS[0])
        speaker.pause = 0.2
        await rag.aask(QUESTIONS[0])
        speaker.pause = 0.02
        async for _ in rag.astream(QUESTIONS[0]):
            pass
        beating.cancel()

    asyncio.run(asked())
    assert ticks > 10


def test_context_variables_go_along(rag: Rag) -> None:
    speaker = speaking(rag, Speaker(words=3))

    async def asked(name: str) -> None:
        CALLER.set(name)
        await rag.aask(QUESTIONS[0])
        async for _ in rag.astream(QUESTIONS[0]):
            pass

    async def both() -> None:
        await asyncio.gather(asked("one"), asked("two"))

    asyncio.run(both())
    assert speaker.callers == {"one", "two"}


def test_nothing_is_made_ahead_of_the_reader(rag: Rag) -> None:
    speaker = speaking(rag, Speaker())

    async def read() -> None:
        async with aclosing(rag.astream(QUESTIONS[0])) as events:
            assert isinstance(await anext(events), Ranking)
            assert speaker.told == 0
            for number in range(1, 4):
                assert await anext(events) == Delta("word ")
                await asyncio.sleep(0.02)
                assert speaker.told == number
        assert speaker.closed.is_set()

    asyncio.run(read())


def test_slow_readers_hold_no_thread(rag: Rag) -> None:
    speaking(rag, Speaker(words=2))

    async def read() -> None:
        streams = [rag.astream(QUESTIONS[0]) for _ in range(MOST * 2)]
        for events in streams:
            await anext(events)
        # All of them are in the middle; a question is answered all the same.
        assert (await asyncio.wait_for(rag.asearch(QUESTIONS[0]), 20)).hits
        for events in streams:
            await events.aclose()

    asyncio.run(read())


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_a_cancelled_task_ends_the_generation(rag: Rag, pause: float) -> None:
    speaker = speaking(rag, Speaker(pause))

    async def read() -> None:
        begun = asyncio.Event()

        async def reader() -> None:
            async for event in rag.astream(QUESTIONS[0]):
                if isinstance(event, Delta):
                    begun.set()

        task = asyncio.create_task(reader())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(speaker.closed.wait, 20)

    asyncio.run(read())
    assert speaker.told < speaker.words
    assert rag._reading is not None
    assert len(rag._reading._idle) >= 1


def test_a_stream_that_is_left_is_closed(rag: Rag) -> None:
    speaker = speaking(rag, Speaker())

    async def read() -> None:
        async for event in rag.astream(QUESTIONS[0]):
            if isinstance(event, Delta):
                break
        assert await asyncio.to_thread(speaker.closed.wait, 20)

    asyncio.run(read())


def test_an_event_loop_that_ends_closes_its_streams(rag: Rag) -> None:
    speaker = speaking(rag, Speaker())

    async def read() -> None:
        kept.append(rag.astream(QUESTIONS[0]))
        await anext(kept[0])
        await anext(kept[0])

    kept: list[AsyncGenerator[Event]] = []
    asyncio.run(read())
    assert speaker.closed.wait(20)


def test_many_tasks_take_turns_on_few_threads(rag: Rag) -> None:
    speaker = speaking(rag, Speaker(pause=0.001, words=3))

    async def read() -> int:
        events = [event async for event in rag.astream(QUESTIONS[0])]
        return len(events)

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(read() for _ in range(200)))

    assert asyncio.run(all_of_them()) == [5] * 200
    assert len(speaker.threads) <= MOST


def test_closing_lets_streams_end_and_the_threads_with_them(tmp_path: Path) -> None:
    rag = Rag.open(tmp_path / "closing", pipeline="bm25", workers=0)
    rag.index(write(tmp_path / "documents", 1))
    speaker = speaking(rag, Speaker(words=5))

    async def read() -> None:
        events = rag.astream(QUESTIONS[0])
        await anext(events)
        rag.close()
        rest = [event async for event in events]
        assert isinstance(rest[-1], Answer)
        with pytest.raises(RequestError, match="closed"):
            await rag.aask(QUESTIONS[0])
        with pytest.raises(RequestError, match="closed"):
            await anext(rag.astream(QUESTIONS[0]))

    asyncio.run(read())
    assert speaker.closed.is_set()
    assert gone(lambda: [one for one in threading.enumerate() if one.name.startswith("rag-ask")])


def gone(found: Callable[[], list[threading.Thread]]) -> bool:
    """Whether threads end; they have a while for it."""
    until = time.monotonic() + 20
    while found() and time.monotonic() < until:
        time.sleep(0.01)
    return not found()


def test_opening_starts_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with Rag.open(tmp_path / "none", pipeline="bm25"):
        assert threading.active_count() == before


def test_errors_in_a_thread_come_back_as_they_are() -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise ValueError("told")

    async def read() -> None:
        threads = Threads(1)
        events = threads.stream(fails())
        assert await anext(events) == 1
        with pytest.raises(ValueError, match="told"):
            await anext(events)
        threads.close()

    asyncio.run(read())


def test_leaving_the_block_closes(tmp_path: Path) -> None:
    async def leave() -> None:
        async with Rag.open(tmp_path / "a", pipeline="bm25", workers=0) as rag:
            await rag.aindex(write(tmp_path / "documents", 1))
            assert (await rag.asearch(QUESTIONS[0])).hits
        with pytest.raises(RequestError, match="closed"):
            await rag.asearch(QUESTIONS[0])

    asyncio.run(leave())
    with Rag.open(tmp_path / "a") as rag:
        assert rag.search(QUESTIONS[0]).hits
    with pytest.raises(RequestError, match="closed"):
        rag.search(QUESTIONS[0])
