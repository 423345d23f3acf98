"""How far the rest of a collection foretells the words of a passage, and knows them at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Collection, Quality, Scores
from rag.prune.hashing import Keys, factors, mixed
from rag.prune.keys import Counts, grouped
from rag.prune.spelling import Spelling
from rag.prune.words import NO_WORDS, Block, Flags, Numbers, blocks, code

# Above so many passages, some documents stand for all, so that memory is bounded.
_PASSAGES = 100_000
_ORDERS = (1, 2, 3)


class SurprisePruner:
    """Share of a passage's words that can be read and could not have been guessed.

    Text is bad at both ends of surprise. What the other documents foretell word by word is said
    often enough; what is unlike any word of theirs is noise, such as misread scans, encoded data
    or strings of symbols. A word counts `(1 - p) · l`. `p` is its probability after the two
    words before it, by word sequences of other documents alone, so that no text explains itself
    (trigrams interpolated with Dirichlet priors, as MacKay and Peto, 1995; one is taken off the
    count of each sequence, so that a text and its only copy don't condemn each other). `l` is 1
    for a word that another document has, and for others falls as their letters become less
    likely than those of known words: 1 up to a limit of bits per letter, 0 at half as many
    again. Where half of a passage's words are known, its language is, and the limit is what 75%
    of known words need; where less than a quarter is, it may be the only text in its language,
    and the limit is what 95% need. `l` is 1 where fewer than 500 words are known, and for
    letters that are rare in the collection. Numbers are all the same word.
    """

    needs_vectors = False

    def judge(self, collection: Collection) -> Quality:
        """Scores are from 0 to 1; prose is mostly between 0.8 and 1."""
        model = _Model(collection)
        parts = list(model.judged(collection))
        guessed, noise, scores = np.concatenate([np.zeros((3, 0)), *parts], axis=1)

        def why(position: int) -> str:
            if not scores[position] and not guessed[position] and not noise[position]:
                return NO_WORDS
            found = f"{guessed[position]:.0%} of its words are as other documents have them"
            return f"{found}, {noise[position]:.0%} are no words"

        return Quality(scores, why)


class _Model:
    """Sequences of up to three words, and how often they are in the collection."""

    def __init__(self, collection: Collection) -> None:
        self._part = -(-len(collection) // _PASSAGES)
        self._counts = {order: Counts() for order in _ORDERS}
        self._total = 0
        documents, words = Counts(), dict[int, str]()
        for block in _blocks(collection):
            self._learn(block, documents, words)
        for counts in (*self._counts.values(), documents):
            counts.settle()
        self._spelling = Spelling(_known(words, documents))

    def judged(self, collection: Collection) -> Iterator[NDArray[np.float64]]:
        """What was guessed, what is noise, and the score: `(3, n)` for blocks of passages."""
        for block in _blocks(collection):
            expected, known = self._expected(block)
            legible = self._legible(block, known)
            values = (expected, 1 - legible, (1 - expected) * legible)
            sums = [np.bincount(block.owners, value, len(block)) for value in values]
            yield np.array(sums) / np.maximum(block.sizes, 1)

    def _legible(self, block: Block, known: Flags) -> Scores:
        """How likely each word is one, by its letters."""
        bits = np.zeros(len(block.codes))
        unknown = np.flatnonzero(~known)
        bits[unknown] = [self._spelling.bits(block.word(at)) for at in unknown.tolist()]
        shares = np.bincount(block.owners, known, len(block)) / np.maximum(block.sizes, 1)
        strictness = np.clip(4 * shares - 1, 0, 1)
        strict, lenient = self._spelling.strict, self._spelling.lenient
        limits = lenient + (strict - lenient) * strictness
        legible: Scores = np.clip(3 - 2 * bits / limits[block.owners], 0, 1)
        return legible

    def _learn(self, block: Block, documents: Counts, words: dict[int, str]) -> None:
        taken = self._taken(block)
        for order, counts in self._counts.items():
            counts.add(_grams(block, order)[_whole(block, order) & taken])
        self._total += int(taken.sum())
        learnt = np.flatnonzero(taken)
        met = grouped(block.codes[learnt], block.places[learnt])
        new = np.flatnonzero(met.fresh)
        new = new[documents.of(met.keys[new]) == 0]
        for key, at in zip(met.keys[new].tolist(), learnt[met.order[new]].tolist(), strict=True):
            words[key] = block.word(at)
        documents.add(met.keys[met.first])

    def _expected(self, block: Block) -> tuple[Scores, Flags]:
        """The probability of each word, and whether another document has it."""
        taken = self._taken(block)
        words = self._elsewhere(block, 1, taken)
        chance, before = words / np.maximum(self._others(block, taken), 1), words
        for order in _ORDERS[1:]:
            whole = _whole(block, order)
            found = self._elsewhere(block, order, taken)
            # One is taken off: what only one other document says is not yet common.
            longer = (np.maximum(found - 1, 0) + chance) / (np.roll(before, 1) + 1)
            chance, before = np.where(whole, longer, chance), found
        return chance, words > 0

    def _elsewhere(self, block: Block, order: int, taken: Flags) -> Numbers:
        """How often other documents have each sequence; 0 where it is not whole."""
        whole = np.flatnonzero(_whole(block, order))
        met = grouped(_grams(block, order)[whole], block.places[whole])
        starts = np.flatnonzero(met.first)
        own = met.spread(np.diff(starts, append=len(whole)), met.first)
        everywhere = met.spread(self._counts[order].of(met.keys[starts]), met.first)
        found = np.zeros(len(block.codes), np.int64)
        found[whole] = everywhere - np.where(taken[whole], own, 0)
        return found

    def _others(self, block: Block, taken: Flags) -> Numbers:
        """For each word, how many words there are in other documents."""
        places = (block.documents - block.documents[0])[block.owners]
        own = np.bincount(places, taken).astype(np.int64)
        others: Numbers = self._total - own[places]
        return others

    def _taken(self, block: Block) -> Flags:
        """Which words are of documents that were learnt from."""
        if self._part == 1:
            return np.ones(len(block.codes), bool)
        ids = [one.document_id for one in block.passages]
        drawn = {document: code(document) % self._part == 0 for document in dict.fromkeys(ids)}
        return np.array([drawn[document] for document in ids])[block.owners]


def _grams(block: Block, order: int) -> Keys:
    """The sequence of `order` words that ends with each word."""
    keys = np.zeros(len(block.codes), np.uint64)
    for back, factor in enumerate(factors(order)[: len(keys)]):
        keys[back:] += block.codes[: len(keys) - back] * factor
    return mixed(keys)


def _whole(block: Block, order: int) -> Flags:
    """Which of those sequences lie within one passage."""
    begins = np.repeat(block.bounds[:-1], block.sizes)
    return np.arange(len(block.codes)) - begins >= order - 1


def _known(words: Mapping[int, str], documents: Counts) -> list[str]:
    """The words that more than one document has, in an order that depends on nothing else."""
    codes = np.sort(np.fromiter(words, np.uint64, len(words)))
    return [words[number] for number in codes[documents.of(codes) > 1].tolist()]


def _blocks(collection: Collection) -> Iterator[Block]:
    return blocks(collection.passages(), masked=True, marks=True)
