"""How well each word of a question is met in a text, by the vectors of their tokens.

Late interaction (ColBERT, Khattab and Zaharia, 2020): a word of the question is as near to a text
as to the nearest of its tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.answer.asked_words import AskedWord
from rag.protocols import TokenEncoder, Vectors


@dataclass(frozen=True, slots=True)
class Alignment:
    """`nearness` is float32 `(texts, tokens)`: of each of the question's tokens that count.

    `weights` `(tokens,)` sum to 1.
    """

    nearness: Vectors
    weights: Vectors

    @property
    def mean(self) -> Vectors:
        """How near the question is to each text: `(texts,)`."""
        met: Vectors = self.nearness @ self.weights
        return met

    @property
    def weakest(self) -> Vectors:
        """How near the word is that each text meets worst: `(texts,)`."""
        lowest: Vectors = self.nearness.min(axis=1)
        return lowest


def aligned(
    question: str, words: Sequence[AskedWord], texts: Sequence[str], encoder: TokenEncoder
) -> Alignment:
    """`question` held against `texts`; only the tokens of `words` count, where there are any.

    Raises RequestError where the encoder gives no vectors of tokens.
    """
    (asked,) = encoder.encode_query_tokens([question])
    sought, spans = asked.standing()
    weights = np.array([_weight(start, end, words) for start, end in spans], np.float32)
    if not weights.any():
        weights = np.ones(len(spans), np.float32)
    counting = weights > 0
    nearness = [
        (sought[counting] @ text.standing()[0].T).max(axis=1)
        for text in encoder.encode_tokens(texts)
    ]
    shares = weights[counting] / weights.sum()
    return Alignment(np.array(nearness, np.float32).reshape(len(texts), -1), shares)


def _weight(start: int, end: int, words: Sequence[AskedWord]) -> float:
    """The weight of the word that the token from `start` to `end` belongs to."""
    return max((one.weight for one in words if one.start < end and start < one.end), default=0.0)
