"""A passage has one vector, to the last bit, whatever is encoded with it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from rag.encode.sentence_transformers import SentenceTransformersEncoder

_WORDS = ("lamp", "oil", "ferry", "harbour", "quay", "rope", "storm", "stairs", "extraordinarily")


@pytest.fixture(scope="module")
def encoder() -> Iterator[SentenceTransformersEncoder]:
    import torch

    # How many share a sum is a matter of the machine; two is what was measured.
    threads = torch.get_num_threads()
    torch.set_num_threads(min(threads, 2))
    yield SentenceTransformersEncoder(device="cpu")
    torch.set_num_threads(threads)


@pytest.mark.parametrize("together", [1, 7])
def test_company_leaves_no_trace(encoder: SentenceTransformersEncoder, together: int) -> None:
    chance = random.Random(together)
    lengths = (1, 3, 14, 15, 29, 40, 63, 100, 180, 400)
    texts = [" ".join(chance.choices(_WORDS, k=length)) for length in lengths]
    expected = dict(zip(texts, encoder.encode_passages(texts), strict=True))
    chance.shuffle(texts)
    for start in range(0, len(texts), together):
        some = texts[start : start + together]
        for text, vector in zip(some, encoder.encode_passages(some), strict=True):
            np.testing.assert_array_equal(vector, expected[text])
