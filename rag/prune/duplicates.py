"""Passages that repeat an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rag.protocols import Collection, Quality, Scores
from rag.prune.hashing import Keys
from rag.prune.keys import shingles
from rag.prune.minhash import PERMUTATIONS, Signatures, bands, signatures, similarities
from rag.prune.words import NO_WORDS, Numbers, blocks


class DuplicatesPruner:
    """1 less the similarity to the passage that this one repeats, and 1 where it repeats none.

    Similarity is the Jaccard index of the sets of sequences of `words` words, estimated by
    MinHash with 128 permutations (standard error at most 0.045; equal sets give exactly 1).
    Likely pairs are found by locality-sensitive hashing in 32 bands of 4: of pairs with a
    similarity of 0.6 about 99% are found. What is less than `similar` alike is no duplicate.
    Of a group the passage that comes first by document id and start keeps 1; each other one is
    compared with it. Case, marks and white space do not matter, so that copies which differ in
    nothing else score 0; numbers do, since a table of another year is another table. A copy of
    half a passage is only half alike: `novelty` finds it. Passages without words score 0. Where a
    pipeline does not say how much to drop, it is what scores below 0.2.
    """

    threshold: ClassVar[float] = 0.2
    needs_vectors = False

    def __init__(
        self,
        *,
        similar: Annotated[float, Field(ge=0.5, le=1)] = 0.6,
        words: Annotated[int, Field(ge=1, le=20)] = 3,
    ) -> None:
        self._similar = similar
        self._words = words

    def judge(self, collection: Collection) -> Quality:
        """Scores are from 0, a copy, to 1, nothing of the kind; not between 1 - similar and 1."""
        read = self._read(collection)
        originals = _originals(read.signed, np.flatnonzero(read.spoken), self._similar)
        copies = np.flatnonzero(originals != np.arange(len(originals)))
        scores = read.spoken.astype(np.float64)
        scores[copies] = 1 - similarities(read.signed, copies, originals[copies])

        def why(position: int) -> str:
            if not read.spoken[position]:
                return NO_WORDS
            if originals[position] == position:
                return "it repeats no earlier passage"
            return f"{1 - scores[position]:.0%} like {read.id(int(originals[position]))}"

        return Quality(scores, why)

    def _read(self, collection: Collection) -> _Read:
        read = _Read.empty(len(collection))
        end = 0
        for block in blocks(collection.passages()):
            start, end = end, end + len(block)
            keys, owners = shingles(block, self._words)
            sizes = np.bincount(owners, minlength=len(block))
            read.signed[start:end] = signatures(keys, sizes)
            read.spoken[start:end] = sizes > 0
            read.places[start:end, 0] = block.documents
            read.places[start:end, 1:] = [(one.start, one.end) for one in block.passages]
            read.documents.extend(dict.fromkeys(one.document_id for one in block.passages))
        return read


@dataclass(frozen=True, slots=True)
class _Read:
    """What is kept of the passages: 281 bytes of each, and the ids of their documents.

    `places` `(n, 3)` are the document's number, start and end; `spoken` are those with words.
    """

    signed: Signatures
    spoken: NDArray[np.bool_]
    places: Numbers
    documents: list[str]

    @classmethod
    def empty(cls, size: int) -> _Read:
        signed = np.zeros((size, PERMUTATIONS), np.uint16)
        return cls(signed, np.zeros(size, bool), np.zeros((size, 3), np.int64), [])

    def id(self, position: int) -> str:
        document, start, end = self.places[position].tolist()
        return f"{self.documents[document]}#{start}-{end}"


def _originals(signed: Signatures, places: Numbers, similar: float) -> Numbers:
    """For each passage the one that it repeats, or itself. `places` are those with words."""
    nearest, best = _nearest(signed, places)
    originals = np.arange(len(signed))
    for copy in np.flatnonzero(best >= similar).tolist():
        original = originals[nearest[copy]]
        # What is like a copy need not be like its original.
        if (signed[copy] == signed[original]).mean() >= similar:
            originals[copy] = original
    return originals


def _nearest(signed: Signatures, places: Numbers) -> tuple[Numbers, Scores]:
    """The earlier passage that each is most like, of the first in each of its bands."""
    nearest, best = np.arange(len(signed)), np.zeros(len(signed))
    for band in bands(signed, places):
        firsts = places[_firsts(band)]
        asked = np.flatnonzero((firsts != places) & (firsts != nearest[places]))
        here, there = places[asked], firsts[asked]
        found = similarities(signed, here, there)
        better = (found > best[here]) | ((found == best[here]) & (there < nearest[here]))
        nearest[here[better]], best[here[better]] = there[better], found[better]
    return nearest, best


def _firsts(keys: Keys) -> Numbers:
    """The first position of each key: `(n,)`."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first[inverse]
