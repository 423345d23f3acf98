"""How much of a passage is not said elsewhere in its collection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from rag.protocols import Collection, Quality, Scores
from rag.prune.hashing import Keys
from rag.prune.keys import Counts, grouped, shingles
from rag.prune.words import Numbers, blocks

# Above so many passages a part of the sequences stands for all, so that memory is bounded:
# about 250 MB for passages of 100 words, twice that while they are merged.
_PASSAGES = 200_000


class NoveltyPruner:
    """Share of a passage's sequences of `words` words that no earlier document has.

    The containment of Broder, On the resemblance and containment of documents (1997), turned
    round. Documents are taken in the order of their ids, so that the first one to say something
    is never the one to be dropped for it: dropping by this score loses no sentence that is said
    anywhere. A truncated copy, or one wrapped in other text, is found as well as a whole one.
    Repetition within a document is not counted. A passage shorter than `words` words is one
    sequence. Case, marks and white space do not matter, numbers do.
    """

    needs_vectors = False

    def __init__(self, *, words: Annotated[int, Field(ge=1, le=20)] = 4) -> None:
        self._words = words

    def judge(self, collection: Collection) -> Quality:
        """Scores are from 0, all said before, to 1, nothing of it; 0 without words."""
        found = list(self._judged(collection))
        scores = np.concatenate([np.zeros(0), *found])
        return Quality(scores, lambda position: self._told(scores[position]))

    def _judged(self, collection: Collection) -> Iterator[Scores]:
        said, part = Counts(), np.uint64(-(-len(collection) // _PASSAGES))
        for block in blocks(collection.passages()):
            keys, owners = shingles(block, self._words)
            sampled = keys % part == 0 if part > 1 else slice(None)
            keys, owners = keys[sampled], owners[sampled]
            total = np.bincount(owners, minlength=len(block))
            new = _new(keys, block.documents[owners], said)
            fresh = np.bincount(owners[new], minlength=len(block))
            unknown = np.where(block.sizes > 0, 1.0, 0.0)
            yield np.where(total > 0, fresh / np.maximum(total, 1), unknown)

    def _told(self, score: float) -> str:
        if score == 0:
            return "it has no words, or earlier documents have all of it"
        return f"{1 - score:.0%} of its sequences of {self._words} words are in earlier documents"


def _new(keys: Keys, documents: Numbers, said: Counts) -> Numbers:
    """Which of `keys` no earlier document has; those of this block are then `said`."""
    met = grouped(keys, documents)
    distinct, first = met.keys[met.fresh], documents[met.order[met.fresh]]
    first[said.of(distinct) > 0] = -1
    said.add(distinct)
    return np.flatnonzero(met.spread(first, met.fresh) == documents)
