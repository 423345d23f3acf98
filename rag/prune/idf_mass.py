"""How rare the words of a passage are in its collection."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from rag.protocols import Collection, Quality, Scores
from rag.prune.hashing import Keys
from rag.prune.keys import Counts, grouped
from rag.prune.words import NO_WORDS, Block, Numbers, blocks


class IdfMassPruner:
    """Mean inverse document frequency (idf) of a passage's distinct words.

    A menu or a notice that stands in many documents is made of words of many documents; what
    only a few documents speak of has words of its own. The idf of a word in `d` of `N`
    documents is BM25's, `ln(1 + (N - d + 0.5) / (d + 0.5))`, divided by that of a word in one
    document, so that scores are from 0 to 1 in a collection of any size. A word of one document
    alone may be a name or a misprint, so it counts as the mean idf of all other words. So do
    `prior` words more, since a few words prove little: a short passage is neither lifted nor
    punished for being short. Words without a letter are left out. That a text is judged by its
    words alone, whatever is asked, is as in Bendersky, Croft and Diao, Quality-biased ranking
    of web documents (2011).
    """

    needs_vectors = False

    def __init__(self, *, prior: Annotated[float, Field(gt=0)] = 5.0) -> None:
        self._prior = prior

    def judge(self, collection: Collection) -> Quality:
        """Scores are from 0, no words or only common ones, to 1, words of one document each."""
        counts, documents = _frequencies(collection)
        found = [np.zeros((3, 0))]
        for block in blocks(collection.passages()):
            keys, owners = _distinct(block, block.owners)
            held = counts.of(keys)
            several = held > 1
            values = (_idf(held, documents) * several, several, np.ones(len(keys)))
            found.append(np.array([np.bincount(owners, value, len(block)) for value in values]))
        mass, several, size = np.concatenate(found, axis=1)
        mean = mass.sum() / several.sum() if several.any() else 1.0
        lent = size - several + self._prior
        scores = np.where(size > 0, (mass + mean * lent) / (size + self._prior), 0.0)
        return Quality(scores, lambda position: _told(scores, size, mean, position))


def _frequencies(collection: Collection) -> tuple[Counts, int]:
    """In how many documents each word is, and how many documents there are."""
    counts, documents = Counts(), 0
    for block in blocks(collection.passages()):
        counts.add(_distinct(block, block.places)[0])
        documents = int(block.documents[-1]) + 1
    counts.settle()
    return counts, documents


def _distinct(block: Block, places: Numbers) -> tuple[Keys, Numbers]:
    """Each word once for each place it is in, and the places."""
    lettered = block.lettered
    places = places[lettered]
    found = grouped(block.codes[lettered], places)
    return found.keys[found.first], places[found.order[found.first]]


def _idf(found: Numbers, documents: int) -> Scores:
    rarity = np.log1p((documents - found + 0.5) / (found + 0.5))
    shares: Scores = rarity / np.log1p((documents - 0.5) / 1.5)
    return shares


def _told(scores: Scores, size: Scores, mean: float, position: int) -> str:
    if not size[position]:
        return NO_WORDS
    count = int(size[position])
    words = f"{count} distinct word{'' if count == 1 else 's'}"
    return f"its {words}: mean idf {scores[position]:.2f}, where {mean:.2f} is usual here"
