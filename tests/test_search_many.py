"""Many searches at once, with the rankings of one at a time."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import pytest

from rag import Condition, Query, Rag, Ranking, Unanswered
from rag.errors import NoIndexError, RequestError
from rag.facade.workers import default_workers
from rag.protocols import Vectors
from rag.store.dense import DenseIndex
from rag.testing import HashingEncoder

WORDS = ("ferry", "lamp", "oil", "storm", "island", "fog")
TOLERANCE = 1e-5
SECONDS = 20


class Gated(HashingEncoder):
    """Waits, with questions, until `gate` is open; then fails if `broken` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.gate = threading.Event(), threading.Event()
        self.gate.set()
        self.broken: Exception | None = None

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        self.begun.set()
        assert self.gate.wait(SECONDS)
        if self.broken is not None:
            raise self.broken
        return super().encode_queries(texts)


@pytest.fixture
def encoder() -> Gated:
    return Gated()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    for number, words in enumerate(itertools.combinations(WORDS, 3)):
        sentence = "The {} is near the {}. Nobody sees the {} at night.".format(*words)
        (folder / f"{number:03}.txt").write_text(sentence)
    return tmp_path


def opened(place: Path, encoder: HashingEncoder, *overrides: str) -> Rag:
    given = ("index.lexical.language=en", *overrides)
    return Rag.open(place / ".rag", pipeline="hybrid", overrides=given, encoder=encoder, workers=0)


@pytest.fixture
def rag(place: Path, encoder: Gated) -> Iterator[Rag]:
    with closing(opened(place, encoder)) as made:
        made.index(place / "documents")
        yield made


def questions(number: int) -> list[str]:
    pairs = itertools.islice(itertools.cycle(itertools.permutations(WORDS, 2)), number)
    return [f"Where is the {one} near the {other}?" for one, other in pairs]


def same(one: Ranking | Unanswered, other: Ranking) -> bool:
    """The same passages with the same stages, and scores within the tolerance."""
    assert isinstance(one, Ranking)
    assert one.query == other.query
    assert [(step.stage, step.uses, step.hits, step.notes) for step in one.steps] == [
        (step.stage, step.uses, step.hits, step.notes) for step in other.steps
    ]
    scores, alone = ([hit.score for hit in ranking.hits] for ranking in (one, other))
    assert scores == pytest.approx(alone, abs=TOLERANCE)
    ranks = [
        [(hit.passage, {name: said.rank for name, said in hit.stages.items()}) for hit in found]
        for found in (one.hits, other.hits)
    ]
    return ranks[0] == ranks[1]


@pytest.mark.parametrize("workers", [1, 16, None])
def test_rankings_are_those_of_one_at_a_time(rag: Rag, workers: int | None) -> None:
    asked = questions(40)
    found = list(rag.search_many(asked, workers=workers))
    assert len(found) == 40
    assert all(same(one, rag.search(text)) for one, text in zip(found, asked, strict=True))


def test_filters_of_all_and_of_one(rag: Rag) -> None:
    only = Condition("source", "~", "003")
    one, other = rag.search_many([Query("Where is the lamp?", (only,)), "Where is the lamp?"])
    assert same(one, rag.search("Where is the lamp?", only))
    assert same(other, rag.search("Where is the lamp?"))
    (filtered,) = rag.search_many(["Where is the lamp?"], filters='source ~ "003"')
    assert same(filtered, rag.search("Where is the lamp?", only))


def test_one_that_fails_is_no_end(rag: Rag) -> None:
    asked: list[Any] = ["Where is the lamp?", " ", Query("Where?", (Condition("no", "=", 1),)), 7]
    good, empty, filtered, number, other = rag.search_many([*asked, "Where is the oil?"])
    assert isinstance(good, Ranking)
    assert isinstance(other, Ranking)
    assert empty == Unanswered(" ", "the question is empty")
    assert isinstance(filtered, Unanswered)
    assert isinstance(number, Unanswered)


def test_what_is_wrong_with_all_is_raised(place: Path, rag: Rag, encoder: Gated) -> None:
    with closing(opened(place / "none", encoder)) as none, pytest.raises(NoIndexError):
        next(none.search_many(["Where?"]))
    with pytest.raises(RequestError, match="field"):
        next(rag.search_many(["Where?"], filters="missing = 1"))
    with pytest.raises(RequestError, match="'search' takes one"):
        rag.search_many("Where?")
    with pytest.raises(RequestError, match="at least one worker"):
        rag.search_many(["Where?"], workers=0)


def test_the_answerer_is_not_needed(place: Path, rag: Rag, encoder: Gated) -> None:
    """Neither is it made, nor does it slow down what asks no chat model."""
    model = "{use: openai, base_url: 'http://127.0.0.1:9/v1', model: m}"
    with closing(opened(place, encoder, f"answer={{use: chat, model: {model}}}")) as chat:
        assert default_workers(chat.pipeline) == 4
        assert default_workers(chat.pipeline, answering=False) == 16
        assert all(isinstance(one, Ranking) for one in chat.search_many(questions(3)))
        assert "_answerer" not in vars(chat)


def test_questions_are_read_a_few_ahead(rag: Rag) -> None:
    read = itertools.count()
    rankings = rag.search_many((f"lamp {next(read)}" for _ in itertools.count()), workers=2)
    assert len(list(itertools.islice(rankings, 20))) == 20
    assert next(read) <= 20 + 2 * 4 + 1
    rankings.close()


def test_an_error_of_the_encoder_reaches_every_question(rag: Rag, encoder: Gated) -> None:
    asked = questions(12)
    encoder.broken = RequestError("the model is broken")
    found = list(rag.search_many(asked))
    assert found == [Unanswered(text, "the model is broken") for text in asked]
    encoder.broken = OSError("no such device")
    with pytest.raises(OSError, match="no such device"):
        list(rag.search_many(asked))
    assert not workers_alive()


def test_left_halfway_while_all_wait(rag: Rag, encoder: Gated) -> None:
    encoder.gate.clear()
    encoder.begun.clear()
    rankings = rag.search_many(questions(50), workers=6)
    reader = threading.Thread(target=lambda: next(rankings, None))
    reader.start()
    assert encoder.begun.wait(SECONDS)
    encoder.gate.set()
    reader.join(SECONDS)
    rankings.close()
    assert not reader.is_alive()
    assert not workers_alive()
    assert same(next(rag.search_many(["Where is the oil?"])), rag.search("Where is the oil?"))


def test_an_interruption_of_the_reader_ends_the_threads(rag: Rag) -> None:
    def interrupted() -> Iterator[str]:
        yield from questions(20)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(rag.search_many(interrupted(), workers=4))
    assert not workers_alive()
    assert rag.search("Where is the lamp?").hits


def test_closed_while_questions_are_under_way(rag: Rag, encoder: Gated) -> None:
    rankings = rag.search_many(questions(100), workers=4)
    first = next(rankings)
    rag.close()
    with pytest.raises(RequestError, match="closed"):
        list(rankings)
    assert isinstance(first, Ranking)
    assert not workers_alive()


def test_the_twin_finds_the_same(rag: Rag) -> None:
    async def found() -> list[Ranking | Unanswered]:
        async with aclosing(rag.asearch_many(questions(5))) as rankings:
            return [one async for one in rankings]

    for one, text in zip(asyncio.run(found()), questions(5), strict=True):
        assert same(one, rag.search(text))


def test_vectors_that_wait_are_looked_up_together(
    rag: Rag, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, gate = threading.Event(), threading.Event()
    seen: list[int] = []
    search = DenseIndex.search_many

    def watched(index: DenseIndex, vectors: Vectors, *given: Any) -> Any:
        seen.append(len(vectors))
        begun.set()
        assert gate.wait(SECONDS)
        return search(index, vectors, *given)

    monkeypatch.setattr(DenseIndex, "search_many", watched)
    with rag._view() as view:
        nearest = view.generation.nearest
    assert nearest is not None
    threads = [threading.Thread(target=rag.search, args=(text,)) for text in ("lamp", *WORDS[2:])]
    threads[0].start()
    assert begun.wait(SECONDS)
    for thread in threads[1:]:
        thread.start()
    for _ in range(SECONDS * 100):
        if nearest._gatherer.waiting == len(threads) - 1:
            break
        threading.Event().wait(0.01)
    gate.set()
    for thread in threads:
        thread.join(SECONDS)
    assert seen == [1, len(threads) - 1]


def workers_alive() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("rag-batch")]
