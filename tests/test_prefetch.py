"""Loading ahead keeps order, keeps bounds, carries errors, and stops when it is told to."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rag import Rag
from rag.errors import DocumentError
from rag.indexing import Progress
from rag.prefetch import prefetch
from rag.types import Document, Failure, Item

MB = 1_000_000


class Desk:
    """Makes items that tell how many of them are loaded but not yet handed over."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.listed = 0
        self.begun: list[int] = []
        self.listers: set[int] = set()
        self._lock = threading.Lock()

    def items(self, count: int, size: int | None = 1) -> Iterator[Item]:
        for number in range(count):
            self.listers.add(threading.get_ident())
            self.listed += 1
            yield self.item(number, size)

    def item(self, number: int, size: int | None = 1) -> Item:
        return Item(str(number), str(number), "1", lambda: self._load(number), size)

    def _load(self, number: int) -> Document:
        with self._lock:
            self.begun.append(number)
        # Later ones are quicker, so that order is not that of completion.
        time.sleep(self.seconds * (5 - number % 5))
        if number % 7 == 6:
            raise DocumentError(f"bad {number}")
        return Document(str(number), str(number), f"text {number}")


def texts(items: Iterator[Item | Failure]) -> list[str]:
    found = []
    for item in items:
        if isinstance(item, Failure):
            found.append(item.error)
            continue
        try:
            found.append(item.load().text)
        except DocumentError as error:
            found.append(str(error))
    return found


def expected(count: int) -> list[str]:
    return [f"bad {n}" if n % 7 == 6 else f"text {n}" for n in range(count)]


def loading_threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("rag-load-")]


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return holds()


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("ahead", [1, 3, 100])
@pytest.mark.parametrize("size", [1, None, 10 * MB])
def test_order_and_errors_are_those_of_the_items(
    workers: int, ahead: int, size: int | None
) -> None:
    desk = Desk(0.0005)
    ahead_of = prefetch(desk.items(40, size), workers=workers, ahead=ahead, most_bytes=MB)
    assert texts(ahead_of) == expected(40)
    assert desk.listers == {threading.get_ident()}
    assert sorted(desk.begun) == list(range(40))
    assert wait_until(lambda: not loading_threads())


def test_failures_and_unwanted_items_keep_their_places() -> None:
    desk = Desk()
    bad = Failure("bad", "not listed")
    given: list[Item | Failure] = [desk.item(0), bad, desk.item(1), desk.item(2)]
    items = prefetch(iter(given), lambda item: item.id != "1", workers=2, ahead=8, most_bytes=MB)
    found = list(items)
    assert found[1] is bad
    assert found[2] is given[2], "what is not wanted is handed over as it was"
    assert wait_until(lambda: sorted(desk.begun) == [0, 2])
    assert texts(iter(found)) == ["text 0", "not listed", "text 1", "text 2"]


def test_no_more_documents_wait_than_are_allowed() -> None:
    desk = Desk()
    items = prefetch(desk.items(50), workers=2, ahead=5, most_bytes=MB)
    for handed_over, _ in enumerate(items, start=1):
        time.sleep(0.002)
        assert len(desk.begun) <= handed_over + 5
        assert desk.listed <= handed_over + 6
    assert len(desk.begun) == 50


def test_no_more_bytes_wait_than_are_allowed() -> None:
    desk = Desk()
    items = prefetch(desk.items(30, MB), workers=4, ahead=20, most_bytes=3 * MB)
    for handed_over, _ in enumerate(items, start=1):
        time.sleep(0.002)
        assert len(desk.begun) <= handed_over + 3


def test_many_are_loaded_at_a_time() -> None:
    together = threading.Barrier(3, timeout=20)

    def load() -> Document:
        together.wait()
        return Document("a", "a", "met")

    items = iter([Item(str(n), str(n), "1", load, 1) for n in range(3)])
    assert texts(prefetch(items, workers=3, ahead=3, most_bytes=MB)) == ["met"] * 3


def test_what_is_ready_does_not_wait_for_a_slow_listing() -> None:
    desk = Desk()
    release = threading.Event()

    def slow() -> Iterator[Item]:
        yield from (desk.item(n) for n in range(3))
        assert wait_until(lambda: len(desk.begun) == 3)
        yield desk.item(3)
        assert release.wait(20), "the first items were not handed over"

    items = prefetch(slow(), workers=1, ahead=100, most_bytes=MB)
    assert isinstance(first := next(items), Item)
    assert first.load().text == "text 0"
    release.set()
    assert len(list(items)) == 3


def test_a_listing_that_raises_does_so_after_its_items() -> None:
    desk = Desk(0.001)

    def broken() -> Iterator[Item]:
        yield from desk.items(4)
        raise OSError("the server is down")

    items = prefetch(broken(), workers=2, ahead=10, most_bytes=MB)
    assert [next(items).source for _ in range(4)] == ["0", "1", "2", "3"]
    with pytest.raises(OSError, match="the server is down"):
        next(items)
    assert wait_until(lambda: not loading_threads())


def test_an_interrupted_listing_is_not_delayed() -> None:
    def interrupted() -> Iterator[Item]:
        yield from Desk(0.2).items(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(prefetch(interrupted(), workers=2, ahead=10, most_bytes=MB))
    assert wait_until(lambda: not loading_threads())


def test_closing_gives_up_what_has_not_begun() -> None:
    desk = Desk(0.02)
    items = prefetch(desk.items(100), workers=2, ahead=60, most_bytes=MB)
    next(items)
    started = time.perf_counter()
    items.close()
    assert time.perf_counter() - started < 0.1, "closing waits for nothing"
    assert wait_until(lambda: not loading_threads())
    assert len(desk.begun) < 20


def test_a_document_is_let_go_when_its_turn_is_over() -> None:
    class Text(str):
        pass

    refs: list[weakref.ref[Text]] = []

    def load() -> Document:
        text = Text("words")
        refs.append(weakref.ref(text))
        return Document("a", "a", text)

    given = (Item(str(n), str(n), "1", load, 1) for n in range(3))
    items = prefetch(given, workers=1, ahead=1, most_bytes=MB)
    for number in range(3):
        item = next(items)
        assert isinstance(item, Item)
        item.load()
        del item
        assert sum(ref() is not None for ref in refs[:number]) == 0


def test_an_error_while_indexing_ends_the_threads_at_once(tmp_path: Path) -> None:
    desk = Desk(0.02)

    class Shelf:
        def items(self) -> Iterator[Item]:
            return desk.items(60)

        def covers(self, source: str) -> bool:
            return True

    def stop(progress: Progress) -> None:
        if progress.passages:
            raise ZeroDivisionError

    with closing(Rag.open(tmp_path / ".rag", pipeline="bm25")) as rag:
        # While the error is looked at, its traceback keeps all that it went through alive.
        with pytest.raises(ZeroDivisionError) as caught:
            rag.index(Shelf(), progress=stop)
        assert wait_until(lambda: not loading_threads(), 2)
        assert len(desk.begun) < 60
        assert caught.tb is not None
