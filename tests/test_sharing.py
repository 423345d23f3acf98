"""One Rag, or one model, for many: threads, tasks, other indexes, and whoever closes it."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from versioned import QUESTIONS, versions, write

from rag import Answer, Rag
from rag.errors import IndexMismatchError, NoIndexError, RequestError
from rag.facade.threads import MOST
from rag.store.store import Store
from rag.store.tantivy import TantivyEngine
from rag.testing import HashingEncoder
from rag.types import Document, Item

ANSWERS = ("answer.min_score=0",)
DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture(params=["bm25", "hybrid"])
def rag(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rag]:
    """An index of version 1; the dense one by a tiny real encoder."""
    model = () if request.param == "bm25" else (_model(request),)
    with Rag.open(
        tmp_path / ".rag", pipeline=request.param, overrides=(*model, *ANSWERS), workers=0
    ) as made:
        made.index(write(tmp_path / "documents", 1))
        yield made


def _model(request: pytest.FixtureRequest) -> str:
    return f"index.encode.model={request.getfixturevalue('encoder_folder')}"


def consistent(answer: Answer) -> str:
    """The one version that an answer is made of."""
    assert answer.hits
    assert answer.citations
    (version,) = versions(answer)
    return version


def updates(rag: Rag, folder: Path) -> None:
    """Re-indexed, and made anew."""
    for version, rebuild in ((2, False), (3, True)):
        rag.index(write(folder, version), rebuild=rebuild)


def test_threads_see_one_state_each(rag: Rag, tmp_path: Path) -> None:
    over = threading.Event()
    seen: set[str] = set()

    def ask(number: int) -> None:
        turn = number
        while not over.is_set() or turn == number:
            seen.add(consistent(rag.ask(QUESTIONS[turn % len(QUESTIONS)])))
            turn += 1
            over.wait(0.5)

    with ThreadPoolExecutor(64) as pool:
        asked = [pool.submit(ask, number) for number in range(64)]
        try:
            updates(rag, tmp_path / "documents")
        finally:
            over.set()
        for one in asked:
            one.result()
    assert {consistent(rag.ask(question)) for question in QUESTIONS} == {"3"}
    assert seen <= {"1", "2", "3"}
    assert rag.verify() == []


def test_tasks_see_one_state_each(rag: Rag, tmp_path: Path) -> None:
    async def streamed(question: str) -> str:
        events = [event async for event in rag.astream(question)]
        assert versions(events[0]) == versions(events[-1])  # type: ignore[arg-type]
        assert isinstance(events[-1], Answer)
        return consistent(events[-1])

    async def asked(question: str) -> str:
        return consistent(await rag.aask(question))

    async def all_of_them() -> set[str]:
        indexed = asyncio.create_task(asyncio.to_thread(updates, rag, tmp_path / "documents"))
        made = [(asked, streamed)[turn % 2](QUESTIONS[turn % 8]) for turn in range(200)]
        seen = set(await asyncio.gather(*made))
        await indexed
        return seen

    assert asyncio.run(all_of_them()) <= {"1", "2", "3"}
    ours = [one for one in threading.enumerate() if one.name.startswith("rag-ask")]
    assert len(ours) <= MOST


def test_a_rebuild_under_another_pipeline_is_never_read_by_this_one(tmp_path: Path) -> None:
    folder = write(tmp_path / "documents", 1)
    first = Rag.open(tmp_path / ".rag", pipeline="bm25", overrides=ANSWERS, workers=0)
    first.index(folder)
    other = Rag.open(
        tmp_path / ".rag",
        pipeline="bm25",
        overrides=("index.chunk.max_tokens=16", *ANSWERS),
        workers=0,
    )
    refused = threading.Event()

    def ask(_: int) -> None:
        while not refused.is_set():
            try:
                consistent(first.ask(QUESTIONS[0]))
            except IndexMismatchError:
                refused.set()

    with ThreadPoolExecutor(8) as pool:
        asked = pool.map(ask, range(8))
        try:
            other.index(write(folder, 2), rebuild=True)
            assert refused.wait(20)
        finally:
            refused.set()
        list(asked)
    for ask_it in (first.ask, first.search, first.explain):
        with pytest.raises(IndexMismatchError, match="another pipeline"):
            ask_it(QUESTIONS[0])
    with pytest.raises(IndexMismatchError, match="another pipeline"):
        list(first.stream(QUESTIONS[0]))
    assert consistent(other.ask(QUESTIONS[0])) == "2"
    first.close()
    other.close()


def test_one_encoder_for_many_indexes(tmp_path: Path, encoder_folder: Path) -> None:
    model = f"index.encode.model={encoder_folder}"
    folder = write(tmp_path / "documents", 1)
    first = Rag.open(tmp_path / "a", overrides=(model, *ANSWERS), workers=0)
    second = Rag.open(tmp_path / "b", overrides=(model, *ANSWERS), workers=0, sharing=first)
    third = Rag.open(tmp_path / "c", overrides=(model, *ANSWERS), workers=0, sharing=second)
    assert first.encoder is not None
    assert first.encoder is second.encoder is third.encoder
    for one in (first, second, third):
        one.index(folder)
    first.close()
    assert consistent(second.ask(QUESTIONS[0])) == "1"
    second.close()
    assert consistent(third.ask(QUESTIONS[0])) == "1"
    third.close()


def test_threads_build_each_part_once(tmp_path: Path, encoder_folder: Path) -> None:
    model = f"index.encode.model={encoder_folder}"
    with Rag.open(tmp_path / "a", overrides=(model, *ANSWERS), workers=0) as made:
        made.index(write(tmp_path / "documents", 1))
    rag = Rag.open(tmp_path / "a", overrides=(model, *ANSWERS), workers=0)
    together = threading.Barrier(16)

    def built(_: int) -> tuple[int, int, int]:
        together.wait()
        rag.ask(QUESTIONS[0])
        return id(rag._store), id(rag.encoder), id(rag._answerer)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(built, range(16)))) == 1
    rag.close()


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="the system does not list open files")
def test_open_files_do_not_grow(rag: Rag, tmp_path: Path) -> None:
    def asked(times: int) -> int:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(rag.ask, QUESTIONS * times))
        return sum(1 for _ in DESCRIPTORS.iterdir())

    before = asked(8)
    threads = threading.active_count()
    for version in range(2, 14):
        rag.index(write(tmp_path / "documents", version))
        asked(1)
    # Connections that are kept have three files each, and there may be eight; a file that each
    # update left open would make more.
    assert asked(8) <= before + 24
    assert threading.active_count() <= threads
    assert len(list(Path("/proc/self/task").iterdir())) < 200


def test_closing_lets_questions_under_way_end(rag: Rag) -> None:
    events = rag.stream(QUESTIONS[0])
    ranking = next(events)
    rag.close()
    *_, answer = events
    assert isinstance(answer, Answer)
    assert versions(answer) == versions(ranking) == {"1"}  # type: ignore[arg-type]
    assert rag._reading is not None
    assert rag._reading._idle == []
    later: list[Callable[[], object]] = [
        lambda: rag.ask(QUESTIONS[0]),
        lambda: rag.search(QUESTIONS[0]),
        lambda: list(rag.stream(QUESTIONS[0])),
        lambda: rag.index("documents"),
        lambda: asyncio.run(rag.aask(QUESTIONS[0])),
    ]
    for call in later:
        with pytest.raises(RequestError, match="closed"):
            call()
    rag.close()


def test_closing_among_threads_refuses_or_answers(rag: Rag) -> None:
    begun = threading.Barrier(9)

    def ask(number: int) -> bool:
        begun.wait()
        for turn in range(50):
            try:
                consistent(rag.ask(QUESTIONS[(number + turn) % 8]))
            except RequestError as error:
                assert "closed" in str(error)
                return True
        return False

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, number) for number in range(8)]
        begun.wait()
        rag.close()
        assert True in [one.result() for one in asked]


def test_an_index_in_place_of_another_is_read_as_itself(tmp_path: Path) -> None:
    places = [tmp_path / "old", tmp_path / "new"]
    for version, place in enumerate(places, 1):
        with Rag.open(place, pipeline="bm25", overrides=ANSWERS, workers=0) as made:
            made.index(write(tmp_path / "documents", version))
    rag = Rag.open(places[0], pipeline="bm25", overrides=ANSWERS, workers=0)
    assert consistent(rag.ask(QUESTIONS[0])) == "1"
    places[0].rename(tmp_path / "away")
    with pytest.raises(NoIndexError):
        rag.ask(QUESTIONS[0])
    places[1].rename(places[0])
    assert consistent(rag.ask(QUESTIONS[0])) == "2"
    rag.close()


def test_a_late_reader_does_not_take_the_newer_state_away(tmp_path: Path) -> None:
    folder = write(tmp_path / "documents", 1)
    with Rag.open(tmp_path / "a", pipeline="bm25", overrides=ANSWERS, workers=0) as rag:
        rag.index(folder)
        store = Store(tmp_path / "a", TantivyEngine(), dense=False)
        with store.rows() as late:
            number = late.meta("generation")
            former = store.generations.path(number)
            shutil.copytree(former, tmp_path / "former")
            rag.index(write(folder, 2))
            # As it is between two commits: a run that ends removes it.
            shutil.copytree(tmp_path / "former", former, dirs_exist_ok=True)
            with store.view(lambda: None) as view:
                newest = view.generation
            assert store.generation(late).number == number
        with store.view(lambda: None) as view:
            assert view.generation is newest
        store.close()


class _Slow:
    """A connector of one document, which waits until it is let go."""

    def __init__(self) -> None:
        self.reading = threading.Event()
        self.go = threading.Event()

    def items(self) -> Iterator[Item]:
        """The document."""
        yield Item("slow", "slow.txt", "", self._load)

    def covers(self, source: str) -> bool:
        """Just its own."""
        return source == "slow.txt"

    def _load(self) -> Document:
        self.reading.set()
        assert self.go.wait(20)
        return Document("slow", "slow.txt", "The lamp of the island in version 9.")


def test_questions_are_answered_while_the_index_is_written(tmp_path: Path) -> None:
    slow = _Slow()
    with Rag.open(
        tmp_path / ".rag", pipeline="hybrid", overrides=ANSWERS, encoder=HashingEncoder(), workers=0
    ) as rag:
        rag.index(write(tmp_path / "documents", 1))
        with ThreadPoolExecutor(1) as pool:
            indexed = pool.submit(rag.index, slow)
            assert slow.reading.wait(20)
            assert consistent(rag.ask(QUESTIONS[0])) == "1"
            slow.go.set()
            assert indexed.result().added == 1
