"""What threads ask of one encoder at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.errors import ModelError, RequestError
from rag.gathering import GatheringEncoder
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
    for _ in range(SECONDS * 1000):
        if len(encoder._waiting) >= number:
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
