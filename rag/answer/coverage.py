"""How much of a question a text repeats."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from rag.protocols import Vectors, View
from rag.scripts import plain

Word: TypeAlias = frozenset[str]

# Asking words say what kind of answer is wanted, not what it is about.
_ASKING = (
    "what which who whom whose when where why how much many long often far old do does did can "
    "could should would may must i we you my our your me us have has had am been get there"
)
_WORD = re.compile(r"\w+")


def coverage(question: str, texts: Sequence[str], view: View) -> Vectors:
    """Share of the question's words, weighted by rarity, that each text contains: `(n,)`."""
    held = [frozenset(view.terms(text)) for text in texts]
    weights = _weights(question, frozenset().union(*held), view)
    total = sum(weights.values())
    if not total:
        return np.zeros(len(texts), np.float32)
    shares = [
        sum(weight for word, weight in weights.items() if word & terms) / total for terms in held
    ]
    return np.array(shares, np.float32)


def _weights(question: str, held: Word, view: View) -> Mapping[Word, float]:
    """The question's words, with how rare they are; `held` are the terms of all texts."""
    rarities = {word: min(map(view.idf, word)) for word in _words(question, view)}
    lacking = view.idf("")
    if all(view.idf(term) >= lacking for term in held):
        return rarities  # there is no lexical index: all words are equally rare
    # The texts are indexed: a word of theirs that the index lacks is a stop word of their
    # language that another of the index's languages lets through.
    return {
        word: rarity for word, rarity in rarities.items() if rarity < lacking or not word & held
    }


def _words(question: str, view: View) -> list[Word]:
    """The question's words, each as the terms that the index's languages make of it."""
    asking = frozenset(view.terms(_ASKING))
    if plain(question):
        words = [frozenset(view.terms(word)) for word in _WORD.findall(question)]
    else:
        words = [frozenset([term]) for term in view.terms(question)]
    return [word - asking for word in words if word - asking]
