"""The vectors of tokens are those that the model pools."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.encode.cache import CachedEncoder
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.errors import RequestError
from rag.protocols import TokenEncoder, TokenVectors, Vectors
from rag.testing import HashingEncoder

_TEXTS = ("the ferry leaves at nine.", "", "Oils", "a lamp and oil " * 40, "東京 \u200b dog")


@pytest.fixture(scope="module")
def tiny(encoder_folder: Path) -> SentenceTransformersEncoder:
    return SentenceTransformersEncoder(model=str(encoder_folder), device="cpu", dtype="float32")


def pooled(encoder: TokenEncoder, found: Sequence[TokenVectors]) -> Vectors:
    return encoder.pooled(np.array([one.vectors.mean(axis=0) for one in found]))


def variant(folder: Path, place: Path, *modules: Any, **pooling: Any) -> Path:
    """The model in `folder`, pooling as told and with modules after it, saved to `place`."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    plain = SentenceTransformer(str(folder), device="cpu")
    made = [plain[0], Pooling(16, **pooling), *modules]
    SentenceTransformer(modules=made, device="cpu").save(str(place))
    return place


def test_what_is_pooled_is_the_vector(tiny: SentenceTransformersEncoder) -> None:
    found = list(tiny.encode_tokens(_TEXTS))
    assert all(one.vectors.dtype == np.float32 for one in found)
    vectors = pooled(tiny, found)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, tiny.encode_passages(_TEXTS), atol=1e-6)


def test_spans_are_characters_of_the_text(tiny: SentenceTransformersEncoder) -> None:
    ferry, empty, oils, long, odd = tiny.encode_tokens(_TEXTS)
    words = [_TEXTS[0][start:end] for start, end in ferry.spans]
    assert words == ["", "the", "ferry", "leave", "s", "at", "nine", ".", ""]
    assert empty.spans == [(0, 0), (0, 0)]
    assert oils.spans == [(0, 0), (0, 3), (3, 4), (0, 0)]
    assert [_TEXTS[4][start:end] for start, end in odd.spans] == ["", "東", "京", "dog", ""]
    # What is beyond the limit is cut off.
    assert len(long.spans) == len(long.vectors) == 64
    for one in (ferry, empty, oils, long, odd):
        assert one.vectors.shape == (len(one.spans), 16)


def test_they_are_the_last_layer(tiny: SentenceTransformersEncoder) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = tiny.files.folder
    features = AutoTokenizer.from_pretrained(folder)(_TEXTS[0], return_tensors="pt")
    with torch.inference_mode():
        expected = AutoModel.from_pretrained(folder)(**features).last_hidden_state[0]
    (found,) = tiny.encode_tokens(_TEXTS[:1])
    np.testing.assert_allclose(found.vectors, expected.numpy(), atol=1e-5)


def test_company_leaves_no_trace() -> None:
    encoder = SentenceTransformersEncoder(device="cpu")
    chance = random.Random(3)
    words = ("lamp", "oil", "ferry", "harbour", "extraordinarily")
    texts = [" ".join(chance.choices(words, k=length)) for length in (1, 14, 63, 180, 400, 1)]
    together = list(encoder.encode_tokens(texts))
    for text, expected in zip(texts, together, strict=True):
        (alone,) = encoder.encode_tokens([text])
        assert alone.spans == expected.spans
        np.testing.assert_array_equal(alone.vectors, expected.vectors)


def test_a_prompt_counts_and_stands_nowhere(encoder_folder: Path) -> None:
    encoder = SentenceTransformersEncoder(
        model=str(encoder_folder), device="cpu", passage_prompt="a dog: "
    )
    found = list(encoder.encode_tokens(["the ferry", ""]))
    assert found[0].spans == [(0, 0)] * 4 + [(0, 3), (4, 9), (0, 0)]
    assert found[1].spans == [(0, 0)] * 5
    expected = encoder.encode_passages(["the ferry", ""])
    np.testing.assert_allclose(pooled(encoder, found), expected, atol=1e-6)


def test_a_prompt_that_is_not_pooled_is_left_out(encoder_folder: Path, tmp_path: Path) -> None:
    folder = variant(encoder_folder, tmp_path / "instructed", include_prompt=False)
    encoder = SentenceTransformersEncoder(model=str(folder), device="cpu", passage_prompt="a dog: ")
    found = list(encoder.encode_tokens(["the ferry", "oil"]))
    assert [one.spans for one in found] == [[(0, 3), (4, 9), (0, 0)], [(0, 3), (0, 0)]]
    expected = encoder.encode_passages(["the ferry", "oil"])
    np.testing.assert_allclose(pooled(encoder, found), expected, atol=1e-6)


def test_questions_have_their_own_prompt(encoder_folder: Path) -> None:
    encoder = SentenceTransformersEncoder(
        model=str(encoder_folder), device="cpu", query_prompt="a dog: ", passage_prompt="oil "
    )
    found = list(encoder.encode_query_tokens(["the ferry", "", "oil"]))
    assert found[0].spans == [(0, 0)] * 4 + [(0, 3), (4, 9), (0, 0)]
    expected = encoder.encode_queries(["the ferry", "", "oil"])
    np.testing.assert_allclose(pooled(encoder, found), expected, atol=1e-6)
    assert list(encoder.encode_query_tokens([])) == []


def test_modules_after_the_mean_are_applied(encoder_folder: Path, tmp_path: Path) -> None:
    import torch
    from sentence_transformers.sentence_transformer.modules import Dense, LayerNorm, Normalize

    torch.manual_seed(1)
    modules = (Dense(16, 8), LayerNorm(8), Normalize())
    folder = variant(encoder_folder, tmp_path / "deeper", *modules)
    single = SentenceTransformersEncoder(model=str(folder), device="cpu", dtype="float32")
    half = SentenceTransformersEncoder(model=str(folder), device="cpu", dtype="bfloat16")
    for encoder, tolerance in ((single, 1e-6), (half, 0.02)):
        found = list(encoder.encode_tokens(_TEXTS))
        assert found[0].vectors.shape[1] == 16
        vectors = pooled(encoder, found)
        assert vectors.shape == (5, 8)
        alone = [pooled(encoder, [one]) for one in found]
        np.testing.assert_array_equal(np.concatenate(alone), vectors)
        assert encoder.pooled(np.empty((0, 16), np.float32)).shape == (0, 8)
        np.testing.assert_allclose(vectors, encoder.encode_passages(_TEXTS), atol=tolerance)


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("cls", "pools by its first token"),
        ("max", "pools by the largest value of each component"),
        (("mean", "max"), "pools by several ways at once"),
    ],
)
def test_other_poolings_are_refused(
    encoder_folder: Path, tmp_path: Path, mode: Any, told: str
) -> None:
    folder = variant(encoder_folder, tmp_path / "other", pooling_mode=mode)
    encoder = SentenceTransformersEncoder(model=str(folder), device="cpu")
    assert len(encoder.encode_passages(["oil"])) == 1
    with pytest.raises(RequestError) as caught:
        encoder.encode_tokens(["oil"])
    assert str(caught.value) == (
        f"the vectors of tokens are those of an encoder that pools by their mean: '{folder}' {told}"
    )


def test_a_cache_passes_tokens_on(tiny: SentenceTransformersEncoder, tmp_path: Path) -> None:
    cached = CachedEncoder(tiny, tmp_path)
    assert isinstance(cached, TokenEncoder)
    assert cached.encode_passages(["oil"]).shape == (1, 16)
    for mine, theirs in zip(cached.encode_tokens(_TEXTS), tiny.encode_tokens(_TEXTS), strict=True):
        assert mine.spans == theirs.spans
        np.testing.assert_array_equal(mine.vectors, theirs.vectors)
    (mine,), (theirs,) = cached.encode_query_tokens(["oil"]), tiny.encode_query_tokens(["oil"])
    np.testing.assert_array_equal(mine.vectors, theirs.vectors)
    means = np.ones((2, 16), np.float32)
    np.testing.assert_array_equal(cached.pooled(means), tiny.pooled(means))


def test_a_cache_claims_no_tokens_that_there_are_not(tmp_path: Path) -> None:
    assert not isinstance(CachedEncoder(HashingEncoder(), tmp_path), TokenEncoder)


@pytest.mark.parametrize(
    ("change", "longest"),
    [
        ({}, 64),
        ({"model_type": "roberta", "max_position_embeddings": 66, "pad_token_id": 1}, 64),
        ({"model_type": "mpnet", "max_position_embeddings": 130, "pad_token_id": 1}, 128),
        ({"max_position_embeddings": 128}, 128),
        ({"max_position_embeddings": None}, 64),
    ],
)
def test_more_is_read_than_declared_but_not_than_there_are_positions(
    encoder_folder: Path, tmp_path: Path, change: dict[str, Any], longest: int
) -> None:
    folder = shutil.copytree(encoder_folder, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))

    def limit(most: int | None) -> int:
        return SentenceTransformersEncoder(model=str(folder), max_tokens=most).tokenizer.limit

    assert limit(None) == 62
    assert limit(longest) == longest - 2
    told = f"^index.encode.max_tokens: model '.*' reads {longest} tokens, not {longest + 1}$"
    with pytest.raises(RequestError, match=told):
        limit(longest + 1)


def test_mini_lm_reads_512() -> None:
    encoder = SentenceTransformersEncoder(device="cpu", max_tokens=512)
    assert SentenceTransformersEncoder().tokenizer.limit == 254
    text = "oil " * 600
    (found,) = encoder.encode_tokens([text])
    assert len(found.spans) == 512
    assert encoder.tokenizer.limit == 510
