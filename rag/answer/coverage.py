"""How much of a question a text repeats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag.answer.asked_words import asked_words
from rag.protocols import Vectors, View


def coverage(question: str, texts: Sequence[str], view: View) -> Vectors:
    """Share of the question's words, weighted by rarity, that each text contains: `(n,)`."""
    held = [frozenset(view.terms(text)) for text in texts]
    words = asked_words(question, frozenset().union(*held), view)
    weights = {one.terms: one.weight for one in words}
    total = sum(weights.values())
    if not total:
        return np.zeros(len(texts), np.float32)
    shares = [
        sum(weight for word, weight in weights.items() if word & terms) / total for terms in held
    ]
    return np.array(shares, np.float32)
