"""A passage is as near as its nearest sentences."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from rag.errors import RequestError
from rag.protocols import Vectors
from rag.rerank.sentences import SentencesReranker
from rag.testing import HashingEncoder, RerankerSuite
from rag.types import Passage

TEXTS = (
    "The ferry leaves at nine. Dogs travel free.",
    "The lamp needs oil! Who climbs the stair?\n\nA storm came.",
    "Ferry",
    "",
    " \n ",
    "one | two\nthree | four",
    "東京は日本の首都です。人口は多い。",
)
QUESTION = "when does the ferry leave at nine"


def passages(texts: Sequence[str], context: str = "") -> list[Passage]:
    return [Passage(f"d{n}", 0, len(one), one, context=context) for n, one in enumerate(texts)]


def cosines(*sentences: str) -> list[float]:
    encoder = HashingEncoder()
    found: list[float] = (
        encoder.encode_passages(sentences) @ encoder.encode_queries([QUESTION])[0]
    ).tolist()
    return found


def test_the_best_sentence_counts() -> None:
    (score,) = SentencesReranker(encoder=HashingEncoder()).score(QUESTION, passages(TEXTS[:1]))
    assert score == pytest.approx(max(cosines("The ferry leaves at nine.", "Dogs travel free.")))
    assert score > cosines(TEXTS[0])[0]


def test_the_mean_of_the_best_counts() -> None:
    reranker = SentencesReranker(best=2, encoder=HashingEncoder())
    three = cosines("The lamp needs oil!", "Who climbs the stair?", "A storm came.")
    expected = [sum(sorted(three)[1:]) / 2, cosines("Ferry")[0]]
    np.testing.assert_allclose(reranker.score(QUESTION, passages(TEXTS[1:3])), expected, atol=1e-6)


def test_each_sentence_has_the_context() -> None:
    reranker = SentencesReranker(encoder=HashingEncoder())
    (score,) = reranker.score(QUESTION, passages(["At nine. No."], "The ferry"))
    assert score == pytest.approx(max(cosines("The ferry\nAt nine.", "The ferry\nNo.")))


class Counting(HashingEncoder):
    calls = 0

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        return super().encode_passages(texts)


def test_all_sentences_are_encoded_together() -> None:
    encoder = Counting()
    SentencesReranker(encoder=encoder).score(QUESTION, passages(TEXTS))
    assert encoder.calls == 2  # with the question's own


@pytest.mark.parametrize("best", [1, 3])
def test_order_of_passages_does_not_matter(best: int) -> None:
    reranker = SentencesReranker(best=best, encoder=HashingEncoder())
    chance = random.Random(8)
    expected = dict(zip(TEXTS, reranker.score(QUESTION, passages(TEXTS)), strict=True))
    for _ in range(1000):
        texts = chance.sample(TEXTS, chance.randint(1, len(TEXTS)))
        found = reranker.score(QUESTION, passages(texts))
        assert found == [expected[one] for one in texts]


def test_without_an_encoder_it_is_refused() -> None:
    with pytest.raises(RequestError, match="'sentences' needs an encoder, and there is none"):
        SentencesReranker().score(QUESTION, passages(TEXTS))


class TestSentencesReranker(RerankerSuite):
    def make(self) -> SentencesReranker:
        return SentencesReranker(best=2, encoder=HashingEncoder())
