"""Late chunking against the model itself, and what it must never do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chunk.fixed import FixedChunker
from rag.chunk.late import LateChunker
from rag.chunk.windows import windows
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.errors import RequestError
from rag.protocols import Chunker, ContextualChunker, TokenVectors, Vectors
from rag.testing import ChunkerSuite, HashingEncoder
from rag.types import Document, Passage

_KEEPER = (
    "The keeper climbs ninety-one steps every evening and lights the lamp. It burns oil, a litre "
    "in an hour. The ferry leaves at nine; dogs travel free. When a storm comes it stays at the "
    "quay, and nobody is surprised. "
)
_STORM = "A storm in March broke two panes of the lantern. They were replaced within the week. "


@pytest.fixture(scope="module", autouse=True)
def _threads() -> Iterator[None]:
    import torch

    # How many share a sum is a matter of the machine; two is what was measured.
    threads = torch.get_num_threads()
    torch.set_num_threads(min(threads, 2))
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def mini() -> SentenceTransformersEncoder:
    return SentenceTransformersEncoder(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def tiny(encoder_folder: Path) -> SentenceTransformersEncoder:
    return SentenceTransformersEncoder(model=str(encoder_folder), device="cpu")


def document(name: str, text: str) -> Document:
    return Document(name, f"{name}.txt", text)


def late(most: int = 24, **options: Any) -> LateChunker:
    return LateChunker(boundaries=FixedChunker(max_tokens=most), **options)


def cut(
    chunker: LateChunker, encoder: SentenceTransformersEncoder, *documents: Document
) -> list[tuple[Document, list[Passage]]]:
    return [(one, list(chunker.chunk(one, encoder.tokenizer))) for one in documents]


def whole(one: Document) -> tuple[Document, list[Passage]]:
    text = one.text.strip()
    start = one.text.index(text)
    return one, [Passage(one.id, start, start + len(text), text)]


def test_it_is_a_contextual_chunker() -> None:
    assert isinstance(late(), ContextualChunker)
    assert not isinstance(FixedChunker(), ContextualChunker)


@pytest.mark.parametrize("length", [256, 512])
def test_a_passage_of_the_whole_text_is_plain_encoding(length: int) -> None:
    encoder = SentenceTransformersEncoder(device="cpu", max_tokens=length)
    texts = [_KEEPER * 3, f"  {_STORM}\n", "東京は日本の首都です。", "oil"]
    longest = _KEEPER * 20
    spans = encoder.tokenizer.spans(longest)
    texts.append(longest[: spans[encoder.tokenizer.limit - 1][1]])
    entries = [whole(document(str(n), text)) for n, text in enumerate(texts)]
    found = np.concatenate(list(late().encode(entries, encoder)))
    plain = encoder.encode_passages([passages[0].text for _, passages in entries])
    np.testing.assert_allclose(found, plain, atol=1e-5)


def test_company_leaves_no_trace(mini: SentenceTransformersEncoder) -> None:
    chunker = late()
    first, second, third = cut(
        chunker,
        mini,
        document("first", _KEEPER * 8),
        document("second", _STORM),
        document("third", _STORM * 3),
    )
    alone = [next(chunker.encode([entry], mini)) for entry in (first, second, third)]
    for order in ([0, 1, 2], [2, 0, 1, 0]):
        together = list(chunker.encode([[first, second, third][n] for n in order], mini))
        for n, vectors in zip(order, together, strict=True):
            np.testing.assert_array_equal(vectors, alone[n])


def test_it_is_what_the_model_gives(mini: SentenceTransformersEncoder) -> None:
    one = document("long", (_KEEPER + _STORM) * 10)
    chunker = late(40)
    ((_, passages),) = cut(chunker, mini, one)
    assert len(list(windows(one.text, mini.tokenizer, 254, 63))) >= 4
    (found,) = chunker.encode([(one, passages)], mini)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found, reference(mini, one, passages, 254, 63), atol=1e-5)


def reference(
    encoder: SentenceTransformersEncoder,
    one: Document,
    passages: Sequence[Passage],
    size: int,
    overlap: int,
) -> Vectors:
    """The same, slowly: one window at a time, one token at a time."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(encoder.files.folder)
    model = AutoModel.from_pretrained(encoder.files.folder).eval()
    held: list[list[Any]] = [[] for _ in passages]
    for window in windows(one.text, encoder.tokenizer, size, overlap):
        text = one.text[window.start : window.end]
        features = tokenizer(text, return_offsets_mapping=True, return_tensors="pt")
        offsets = features.pop("offset_mapping")[0].tolist()
        assert len(offsets) <= size + 2
        with torch.inference_mode():
            states = model(**features).last_hidden_state[0].numpy()
        for (start, _), state in list(zip(offsets, states, strict=True))[1:-1]:
            place = window.start + start
            for passage, mine in zip(passages, held, strict=True):
                if window.new <= place and passage.start <= place < passage.end:
                    mine.append(state)
        if window.first:
            held[0].append(states[0])
        if window.last:
            held[-1].append(states[-1])
    means = np.array([np.mean(np.array(mine, np.float64), axis=0) for mine in held])
    rows: Vectors = means / np.linalg.norm(means, axis=1, keepdims=True)
    return rows


def test_the_context_is_not_in_the_vector(tiny: SentenceTransformersEncoder) -> None:
    one = document("d", "the ferry leaves at nine. dogs travel free.")
    passages = [Passage("d", 0, len(one.text), one.text)]
    told = [Passage("d", 0, len(one.text), one.text, context="storm")]
    plain, contextual = late().encode([(one, passages), (one, told)], tiny)
    np.testing.assert_array_equal(plain, contextual)


def test_passages_left_out_change_nothing(tiny: SentenceTransformersEncoder) -> None:
    """Pruned passages have no vectors; the others have those that they had."""
    chunker = late(8)
    ((one, passages),) = cut(chunker, tiny, document("d", "the lamp and the oil. " * 60))
    (every,) = chunker.encode([(one, passages)], tiny)
    for kept in (slice(1, None), slice(None, -1), slice(5, 9), slice(20, 21)):
        (some,) = chunker.encode([(one, passages[kept])], tiny)
        np.testing.assert_array_equal(some, every[kept])


def test_characters_without_a_token_are_encoded_plainly(tiny: SentenceTransformersEncoder) -> None:
    text = "the ferry leaves.\n\n\u200b\u200b\n\na dog travels."
    spans = [(0, 17), (19, 21), (23, len(text))]
    passages = [Passage("d", a, b, text[a:b]) for a, b in spans]
    assert not tiny.tokenizer.spans(passages[1].text)
    (found,) = late().encode([(document("d", text), passages)], tiny)
    np.testing.assert_array_equal(found[1:2], tiny.encode_passages([passages[1].text]))
    odd = document("odd", "\u200b\u200b")
    (only,) = late().encode([whole(odd)], tiny)
    np.testing.assert_array_equal(only, tiny.encode_passages([odd.text]))


def test_documents_without_passages(tiny: SentenceTransformersEncoder) -> None:
    entries: list[tuple[Document, list[Passage]]] = [
        (document("empty", ""), []),
        whole(document("ferry", "the ferry")),
        (document("space", " \n "), []),
    ]
    shapes = [vectors.shape for vectors in late().encode(entries, tiny)]
    assert shapes == [(0, 16), (1, 16), (0, 16)]
    assert list(late().encode([], tiny)) == []


class Watched(SentenceTransformersEncoder):
    """Counts the texts that are asked for together."""

    most = asked = 0

    def encode_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        self.most = max(self.most, len(texts))
        self.asked += len(texts)
        return super().encode_tokens(texts)


def test_windows_are_streamed(encoder_folder: Path) -> None:
    encoder = Watched(model=str(encoder_folder), device="cpu")
    chunker = late(window=62, overlap=0)
    entries = cut(
        chunker,
        encoder,
        document("long", "the keeper lights a lamp . " * 2_400),
        *(document(str(n), "dogs travel free .") for n in range(50)),
    )
    vectors = list(chunker.encode(entries, encoder))
    assert [len(one) for one in vectors] == [len(passages) for _, passages in entries]
    assert encoder.asked > 264
    # Short documents go together with others, and no more than 16,384 tokens at a time.
    assert encoder.most == 16_384 // 62


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 63}, r"^index\.chunk\.window: 63 tokens are more than the 62 that "),
        ({"overlap": 62}, r"^index\.chunk\.overlap: 62 tokens leave nothing new in a window of 62"),
    ],
)
def test_sizes_that_do_not_fit(
    tiny: SentenceTransformersEncoder, options: dict[str, int], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        late(**options).encode([], tiny)


def test_an_overlap_as_long_as_the_window_is_a_fault() -> None:
    assert LateChunker.faults({"window": 64, "overlap": 63}) == []
    assert LateChunker.faults({"window": None, "overlap": 100}) == []
    assert LateChunker.faults({"window": 64, "overlap": 64}) == [
        ("overlap", "an overlap of 64 leaves nothing new in 64 tokens")
    ]


def test_late_within_late_is_a_fault() -> None:
    (fault,) = LateChunker.faults({"boundaries": {"use": "late"}, "window": None, "overlap": None})
    assert fault == ("boundaries", "'late' within 'late': name the chunker that is to cut")
    assert LateChunker.faults({"boundaries": {"use": "fixed"}}) == []


def test_an_encoder_without_tokens_is_refused() -> None:
    with pytest.raises(RequestError, match="the vectors of tokens, and 'HashingEncoder' gives"):
        late().encode([whole(document("d", "ferry"))], HashingEncoder())


class TestLate(ChunkerSuite):
    def make(self) -> Chunker:
        return late()


_ODD = st.text(alphabet=st.sampled_from("the oil.\n\t x\u200b\u00a0東京é😀\ufeff\ud800\u0301"))


@settings(max_examples=60, deadline=None)
@given(
    text=st.one_of(st.text(), _ODD, st.lists(_ODD, max_size=40).map(" the lamp ".join)),
    overlap=st.integers(0, 12),
)
def test_every_passage_has_a_vector(
    tiny: SentenceTransformersEncoder, text: str, overlap: int
) -> None:
    chunker = LateChunker(
        boundaries=FixedChunker(max_tokens=16, overlap=overlap), window=20, overlap=overlap
    )
    ((one, passages),) = cut(chunker, tiny, document("d", text))
    (found,) = chunker.encode([(one, passages)], tiny)
    assert found.shape == (len(passages), 16)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_passages_may_overlap(tiny: SentenceTransformersEncoder) -> None:
    """Each has the vector that it has by itself, as all are made of the same tokens."""
    chunker = LateChunker(boundaries=FixedChunker(max_tokens=16, overlap=8))
    text = "the ferry leaves at nine. a dog travels free. the keeper lights the lamp. " * 6
    ((one, passages),) = cut(chunker, tiny, document("d", text))
    assert any(after.start < before.end for before, after in pairwise(passages))
    (together,) = chunker.encode([(one, passages)], tiny)
    for passage, vector in zip(passages, together, strict=True):
        (alone,) = chunker.encode([(one, [passage])], tiny)
        np.testing.assert_array_equal(alone[0], vector)
