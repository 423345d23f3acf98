"""What threads ask of one encoder at the same time, and of anything else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.errors import ModelError, RequestError
from rag.gathering import Ending, Gatherer, GatheringEncoder
from rag.protocols import Encoder, TokenEncoder, TokenVectors, Vectors
from rag.testing import HashingEncoder
from rag.testing.encoder import EncoderSuite

SECONDS = 10


class Watched(HashingEncoder):
    """Records its batches; the first waits until `gate` is open."""

    def __init__(self, *, gated: bool = False) -> None:
        super().__init__(dimension=16)
        self.batches: list[list[str]] = []
        self.begun, self.gate = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        if not gated:
            self.gate.set()

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        assert self._lock.acquire(blocking=False), "two threads at once"
        try:
            self.batches.append(list(texts))
            self.begun.set()
            assert self.gate.wait(SECONDS)
            if "broken" in texts:
                raise RequestError("this text is broken")
            return super().encode_passages(texts)
        finally:
            self._lock.release()


class TestAsAnEncoder(EncoderSuite):
    def make(self) -> Encoder:
        return GatheringEncoder(HashingEncoder())


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as made:
        yield made


def queued(encoder: GatheringEncoder, number: int) -> None:
    """Wait until so many requests wait for their turn."""
    in_line(encoder._gatherer, number)


def in_line(gatherer: Gatherer[Any, Any, Any], number: int) -> None:
    for _ in range(SECONDS * 1000):
        if gatherer.waiting >= number:
            return
        threading.Event().wait(0.001)
    raise AssertionError("nobody waits")


def together(
    inner: Watched, encoder: GatheringEncoder, pool: ThreadPoolExecutor, *asked: Sequence[str]
) -> list[Callable[[], Vectors]]:
    """Requests that all wait while something else is encoded; what each of them gives."""
    first = pool.submit(encoder.encode_passages, ["first"])
    assert inner.begun.wait(SECONDS)
    waiting = [pool.submit(encoder.encode_passages, texts) for texts in asked]
    queued(encoder, len(asked))
    inner.gate.set()
    first.result(SECONDS)
    return [lambda one=one: one.result(SECONDS) for one in waiting]  # type: ignore[misc]


@settings(max_examples=40)
@given(
    asked=st.lists(
        st.tuples(st.booleans(), st.lists(st.text("ab é\n", max_size=12), max_size=5)),
        max_size=12,
    ),
    full=st.integers(1, 60),
    remembered=st.integers(0, 600),
)
def test_vectors_are_the_encoders_own(
    asked: list[tuple[bool, list[str]]], full: int, remembered: int
) -> None:
    inner = Watched()
    encoder = GatheringEncoder(inner, full=full, remembered=remembered)
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(encoder.encode_queries if query else encoder.encode_passages, texts)
            for query, texts in asked
        ]
        found = [job.result(SECONDS) for job in jobs]
    for (_, texts), vectors in zip(asked, found, strict=True):
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, HashingEncoder(dimension=16).encode_passages(texts))


def test_what_gathers_is_one_batch(pool: ThreadPoolExecutor) -> None:
    inner = Watched(gated=True)
    encoder = GatheringEncoder(inner)
    asked = (["a longer text", "b"], ["b", "cc"], ["b"])
    for texts, result in zip(asked, together(inner, encoder, pool, *asked), strict=True):
        np.testing.assert_array_equal(result(), HashingEncoder(dimension=16).encode_passages(texts))
    assert inner.batches == [["first"], ["b", "cc", "a longer text"]]


def test_a_full_batch_leaves_the_rest_for_the_next(pool: ThreadPoolExecutor) -> None:
    inner = Watched(gated=True)
    encoder = GatheringEncoder(inner, full=4)
    for result in together(inner, encoder, pool, ["aa"], ["bbbbbbbb"], ["cc"]):
        result()
    assert inner.batches == [["first"], ["aa", "cc"], ["bbbbbbbb"]]


def test_an_error_is_its_own_threads(pool: ThreadPoolExecutor) -> None:
    inner = Watched(gated=True)
    encoder = GatheringEncoder(inner)
    good, bad, other = together(inner, encoder, pool, ["a"], ["broken"], ["b"])
    assert good().shape == other().shape == (1, 16)
    with pytest.raises(RequestError, match="this text is broken"):
        bad()


def test_equal_texts_are_encoded_once_until_they_are_forgotten() -> None:
    inner = Watched()
    encoder = GatheringEncoder(inner, remembered=2 * 16 * 4)
    for text in ("a", "b", "a", "c", "a", "b"):
        encoder.encode_passages([text])
    assert inner.batches == [["a"], ["b"], ["c"], ["b"]]


def test_questions_and_passages_are_apart() -> None:
    inner = Watched()
    encoder = GatheringEncoder(inner)
    encoder.encode_passages(["a"])
    encoder.encode_queries(["a"])
    assert inner.batches == [["a"], ["a"]]


class Doubling:
    """Doubles numbers of a kind, and records its batches; the first waits for `gate`."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.begun, self.gate = threading.Event(), threading.Event()
        self.raises: dict[int, BaseException] = {}

    def __call__(self, kind: str, tasks: Sequence[int]) -> list[int]:
        self.batches.append((kind, list(tasks)))
        self.begun.set()
        assert self.gate.wait(SECONDS)
        for task in tasks:
            if task in self.raises:
                raise self.raises[task]
        return [2 * task for task in tasks]


def test_kinds_are_apart_and_errors_reach_those_they_belong_to(pool: ThreadPoolExecutor) -> None:
    work = Doubling()
    work.raises = {3: ValueError("three"), 5: RuntimeError("five")}
    gatherer = Gatherer(work, full=10)
    first = pool.submit(gatherer.result, "a", 1)
    assert work.begun.wait(SECONDS)
    asked = []
    for number, (kind, task) in enumerate((("a", 2), ("b", 4), ("a", 3), ("a", 5), ("a", 6)), 1):
        asked.append(pool.submit(gatherer.result, kind, task))
        in_line(gatherer, number)
    work.gate.set()
    ends = [one.exception(SECONDS) or one.result() for one in (first, *asked)]
    assert [str(end) for end in ends] == ["2", "4", "8", "three", "five", "12"]
    assert work.batches[:2] == [("a", [1]), ("a", [2, 3, 5, 6])]
    assert sorted(work.batches[2:]) == [("a", [2]), ("a", [3]), ("a", [5]), ("a", [6]), ("b", [4])]
    assert not gatherer.waiting


def test_who_is_interrupted_leaves_nothing_behind() -> None:
    work = Doubling()
    work.gate.set()
    work.raises = {1: KeyboardInterrupt()}
    gatherer = Gatherer(work, full=10)
    with pytest.raises(KeyboardInterrupt):
        gatherer.result("a", 1)
    assert not gatherer.waiting
    assert gatherer.result("a", 2) == 4


def test_what_is_given_up_is_not_begun_and_what_was_begun_is_waited_for(
    pool: ThreadPoolExecutor,
) -> None:
    work, ending = Doubling(), Ending()
    gatherer = Gatherer(work, full=10)

    def ending_result(task: int) -> int:
        with ending.over_this():
            return gatherer.result("a", task)

    first = pool.submit(ending_result, 1)
    assert work.begun.wait(SECONDS)
    second, other = pool.submit(ending_result, 2), pool.submit(gatherer.result, "b", 3)
    in_line(gatherer, 2)
    given_up = pool.submit(ending.give_up)
    while not ending.given_up:
        assert not given_up.done()
    work.gate.set()
    given_up.result(SECONDS)
    assert first.result(SECONDS) == 2
    with pytest.raises(RuntimeError, match="closed"):
        second.result(SECONDS)
    assert other.result(SECONDS) == 6


def test_a_wrong_number_of_results_is_nobodys_result(pool: ThreadPoolExecutor) -> None:
    gatherer: Gatherer[str, int, int] = Gatherer(lambda kind, tasks: [], full=10)
    with pytest.raises(ValueError, match="0 results for 1 tasks"):
        gatherer.result("a", 1)


@settings(max_examples=30, deadline=None)
@given(tasks=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30)), max_size=40))
def test_everybody_gets_their_own_result(tasks: list[tuple[str, int]]) -> None:
    def work(kind: str, given: Sequence[int]) -> list[str]:
        if 7 in given:
            raise ValueError("seven")
        return [f"{kind}{one}" for one in given]

    gatherer = Gatherer(work, full=20, size=lambda one: one)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(gatherer.result, *task) for task in tasks]
        for (kind, number), job in zip(tasks, jobs, strict=True):
            if number == 7:
                assert str(job.exception(SECONDS)) == "seven"
            else:
                assert job.result(SECONDS) == f"{kind}{number}"


def test_an_interruption_costs_nobody_else(pool: ThreadPoolExecutor) -> None:
    class Interrupted(Watched):
        def encode_passages(self, texts: Sequence[str]) -> Vectors:
            vectors = super().encode_passages(texts)
            if len(self.batches) == 2:
                raise KeyboardInterrupt
            return vectors

    inner = Interrupted(gated=True)
    encoder = GatheringEncoder(inner)
    ends = []
    for result in together(inner, encoder, pool, ["a"], ["b"]):
        try:
            ends.append(result().shape)
        except KeyboardInterrupt:
            ends.append((0, 0))
    assert sorted(ends) == [(0, 0), (1, 16)]


def test_closing_lets_those_who_wait_go(pool: ThreadPoolExecutor) -> None:
    inner = Watched(gated=True)
    encoder = GatheringEncoder(inner)
    first = pool.submit(encoder.encode_passages, ["first"])
    assert inner.begun.wait(SECONDS)
    second = pool.submit(encoder.encode_passages, ["second"])
    queued(encoder, 1)
    closing = pool.submit(encoder.close)
    with pytest.raises(ModelError, match="closed"):
        second.result(SECONDS)
    assert not closing.done()
    inner.gate.set()
    closing.result(SECONDS)
    assert first.result(SECONDS).shape == (1, 16)
    with pytest.raises(ModelError, match="closed"):
        encoder.encode_queries(["third"])
    assert inner.batches == [["first"]]


def test_a_long_batch_is_encoded_in_parts() -> None:
    inner = Watched()
    encoder = GatheringEncoder(inner)
    texts = [str(number) * 6_000 for number in range(9)]
    vectors = encoder.encode_passages(texts)
    np.testing.assert_array_equal(vectors, HashingEncoder(dimension=16).encode_passages(texts))
    assert [len(batch) for batch in inner.batches] == [3, 3, 3]


def test_vectors_of_tokens_are_gathered_too(encoder_folder: Path) -> None:
    inner = SentenceTransformersEncoder(model=str(encoder_folder), device="cpu")
    encoder = GatheringEncoder(inner)
    assert isinstance(encoder, TokenEncoder)
    assert not isinstance(GatheringEncoder(HashingEncoder()), TokenEncoder)
    texts = ["the ferry leaves at nine", "a lamp"]
    for ours, theirs in (
        (encoder.encode_tokens(texts), inner.encode_tokens(texts)),
        (encoder.encode_query_tokens(texts), inner.encode_query_tokens(texts)),
    ):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one.vectors, other.vectors)
            assert one.spans == other.spans
    np.testing.assert_allclose(
        encoder.encode_queries(texts), inner.encode_queries(texts), atol=1e-6
    )


def test_tokens_are_encoded_once_and_forgotten_by_their_size(encoder_folder: Path) -> None:
    inner = SentenceTransformersEncoder(model=str(encoder_folder), device="cpu")
    encoded: list[str] = []
    tokens = inner.encode_tokens

    def counted(texts: Sequence[str]) -> Iterator[TokenVectors]:
        encoded.extend(texts)
        return tokens(texts)

    inner.encode_tokens = counted  # type: ignore[method-assign]
    one, other = "the ferry leaves at nine", "a lamp is lit at dusk"
    (size,) = (found.vectors.nbytes for found in tokens([one]))
    encoder = GatheringEncoder(inner, remembered=int(size * 1.5))
    assert isinstance(encoder, TokenEncoder)
    for text in (one, one, other, one):
        list(encoder.encode_tokens([text]))
    assert encoded == [one, other, one]
