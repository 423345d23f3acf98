"""The words of many passages as arrays of numbers.

Text is compared as words: letters and digits by Unicode's rules, case folded, in the
compatibility form NFKC. A run of a script that is written without spaces gives its pairs of
neighbouring characters. All words of a block are found and numbered at once, since a step of
Python for each would take most of the time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.prune.alphabet import DIGIT, KIND, LETTER, MARK, PAIRED, WORD, kinds
from rag.prune.hashing import Keys, mixed, powers
from rag.types import Passage

Numbers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Points: TypeAlias = NDArray[np.uint32]
Kinds: TypeAlias = NDArray[np.uint8]

NO_WORDS = "it has no words"

_PASSAGES = 512
_CHARACTERS = 1 << 20
_SOUP = 3  # marks that are a word where they are asked for
_ZERO = np.uint32(ord("0"))


@dataclass(frozen=True, slots=True)
class Block:
    """Some passages with their words, and all passages of each of their documents.

    `points` are the characters of the passages, folded, with a zero after each passage. Words,
    one passage after the other, are `codes` `(m,)`, from `starts` to `ends` in the characters;
    those of the passage at `i` are from `bounds[i]` to `bounds[i + 1]`, and `owners` `(m,)` has
    that `i`. `documents` `(n,)` are numbers, counted from 0 in the order of the collection.
    """

    passages: Sequence[Passage]
    points: Points
    kinds: Kinds
    codes: Keys
    starts: Numbers
    ends: Numbers
    bounds: Numbers
    owners: Numbers
    documents: Numbers

    def __len__(self) -> int:
        return len(self.passages)

    @property
    def sizes(self) -> Numbers:
        """How many words each passage has."""
        return np.diff(self.bounds)

    @property
    def places(self) -> Numbers:
        """The number of each word's document."""
        return self.documents[self.owners]

    @property
    def lettered(self) -> Flags:
        """Which words have a letter."""
        if not len(self.codes):
            return np.zeros(0, bool)
        letters = np.concatenate([[0], np.cumsum((self.kinds & LETTER) > 0)])
        return letters[self.ends] > letters[self.starts]

    def word(self, number: int) -> str:
        """A word as it was read."""
        return "".join(map(chr, self.points[self.starts[number] : self.ends[number]].tolist()))


def blocks(
    passages: Iterable[Passage], *, masked: bool = False, marks: bool = False
) -> Iterator[Block]:
    """The passages in blocks of a bounded size, or of one document where that is larger.

    With `masked` each number is one zero; with `marks` a run of three or more marks is a word.
    """
    held: list[Passage] = []
    size = documents = 0
    for passage in passages:
        full = len(held) >= _PASSAGES or size >= _CHARACTERS
        if full and passage.document_id != held[-1].document_id:
            block = _block(held, documents, masked, marks)
            yield block
            documents = int(block.documents[-1]) + 1
            held, size = [], 0
        held.append(passage)
        size += len(passage.text)
    if held:
        yield _block(held, documents, masked, marks)


def code(word: str) -> np.uint64:
    """The number of a word that is given as it is read: folded, its numbers masked or not."""
    return np.uint64(_codes(_points(word), np.array([0]), np.array([len(word)]))[0])


def folded(text: str) -> str:
    """`text` without what makes no difference."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold()


def _block(passages: Sequence[Passage], first: int, masked: bool, marks: bool) -> Block:
    texts = [folded(passage.text) for passage in passages]
    points = _points("\0".join([*texts, ""]))
    borders = np.cumsum([0, *(len(text) + 1 for text in texts)])
    table = kinds(points)
    if masked:
        points, table, borders = _masked(points, table, borders)
    starts, ends = _spans(table & np.uint8(KIND), marks)
    bounds = np.searchsorted(starts, borders)
    owners = np.repeat(np.arange(len(passages)), np.diff(bounds))
    codes = _codes(points, starts, ends)
    numbers = first + _turns([passage.document_id for passage in passages])
    return Block(passages, points, table, codes, starts, ends, bounds, owners, numbers)


def _points(text: str) -> Points:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _masked(points: Points, table: Kinds, borders: Numbers) -> tuple[Points, Kinds, Numbers]:
    """One zero for each run of digits."""
    digits = (table & DIGIT) > 0
    kept = ~digits
    kept[1:] |= ~digits[:-1]
    kept[:1] = True
    before = np.concatenate([[0], np.cumsum(kept)])
    return np.where(digits, _ZERO, points)[kept], table[kept], before[borders]


def _spans(runs: Kinds, marks: bool) -> tuple[Numbers, Numbers]:
    """Where words start and end, ascending."""
    edges = np.flatnonzero(np.diff(runs, prepend=np.uint8(0), append=np.uint8(0)))
    starts, ends = edges[:-1], edges[1:]
    found = runs[starts]
    words = found == WORD
    if marks:
        words |= (found == MARK) & (ends - starts >= _SOUP)
    pairs = np.flatnonzero(found == PAIRED)
    if not len(pairs):
        return starts[words], ends[words]
    first, last = _pairs(starts[pairs], ends[pairs])
    starts, ends = np.concatenate([starts[words], first]), np.concatenate([ends[words], last])
    order = np.argsort(starts, kind="stable")
    return starts[order], ends[order]


def _pairs(starts: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
    """The neighbouring characters of each run; a character alone is its own pair."""
    counts = np.maximum(ends - starts - 1, 1)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.repeat(starts, counts) + within
    return first, np.minimum(first + 2, np.repeat(ends, counts))


def _codes(points: Points, starts: Numbers, ends: Numbers) -> Keys:
    """A polynomial of each word's characters, from the sums up to its ends."""
    rising, falling = powers(len(points))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(points * rising[: len(points)])])
    return mixed((sums[ends] - sums[starts]) * falling[starts])


def _turns(ids: Sequence[str]) -> Numbers:
    """0 for the first of `ids`, and one more wherever another follows."""
    turns = [one != other for one, other in pairwise(ids)]
    return np.cumsum([False, *turns])
