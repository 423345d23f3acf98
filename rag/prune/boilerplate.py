"""How much of a passage is furniture: lines and sentences that stand in many documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from rag.protocols import Collection, Quality, Scores
from rag.prune.alphabet import KIND
from rag.prune.hashing import Keys, factors, mixed
from rag.prune.keys import Counts, grouped
from rag.prune.words import Block, Flags, Numbers, blocks

# What ends a line or a sentence. A full stop within a number or a name ends nothing.
_LINE, _FULL_STOP = ord("\n"), ord(".")
_STOPS = [ord(mark) for mark in "!?。"]
_LEAST = 3  # words of a sentence that may recur by chance on a line that does not


@dataclass(frozen=True, slots=True)
class _Segments:
    """Lines and sentences: what they say as a key, and how many words they have.

    `owners` are their passages, `lines` what is on the same line; `named` have a letter.
    """

    keys: Keys
    sizes: Numbers
    owners: Numbers
    lines: Numbers
    named: Flags


class BoilerplatePruner:
    """Share of a passage's words that are not in a line or sentence of many other documents.

    Headers, footers, menus, cookie notices and disclaimers recur word for word. What recurs in
    at least `documents` documents, and in at least a `share` of all, counts as boilerplate.
    Case, marks and white space do not matter. With `mask_numbers` numbers don't either, so that
    "Page 3 of 10" is the same line as "Page 4 of 10", and a notice of another year the same
    notice; turn it off for forms in which every line is the same but for its numbers. A line of
    nothing but numbers is never boilerplate, and a sentence of less than three words only where
    its line has no longer one of the passage's own. Where a pipeline does not say how much to
    drop, it is what scores below 0.2. After the detection of templates in web pages, such as
    Bar-Yossef and Rajagopalan, Template detection via data mining (2002).
    """

    threshold: ClassVar[float] = 0.2
    needs_vectors = False

    def __init__(
        self,
        *,
        documents: Annotated[int, Field(ge=2)] = 4,
        share: Annotated[float, Field(ge=0, le=1)] = 0.001,
        mask_numbers: bool = True,
    ) -> None:
        self._documents = documents
        self._share = share
        self._masked = mask_numbers

    def judge(self, collection: Collection) -> Quality:
        """Scores are from 0, nothing but boilerplate, to 1, none of it; 0 without words."""
        counts, documents, sizes = Counts(), 0, []
        found: list[_Segments] = []
        for block in blocks(collection.passages(), masked=self._masked):
            segments = _segments(block)
            met = grouped(segments.keys, block.documents[segments.owners])
            counts.add(met.keys[met.first])
            documents = int(block.documents[-1]) + 1
            sizes.append(len(block))
            found.append(segments)
        counts.settle()
        least = max(self._documents, int(np.ceil(self._share * documents)))
        parts = [_own(*one, counts, least) for one in zip(found, sizes, strict=True)]
        scores = np.concatenate([np.zeros(0), *parts])
        return Quality(scores, lambda position: _told(scores[position], least))


def _own(segments: _Segments, size: int, counts: Counts, least: int) -> Scores:
    """The share of each passage that is its own."""
    recurring = segments.named & (counts.of(segments.keys) >= least)
    long = segments.sizes >= _LEAST
    told = np.bincount(segments.lines, segments.named & long & ~recurring)
    recurring &= long | (told[segments.lines] == 0)
    words = np.bincount(segments.owners, weights=segments.sizes, minlength=size)
    lost = np.bincount(segments.owners, weights=segments.sizes * recurring, minlength=size)
    shares: Scores = np.where(words > 0, 1 - lost / np.maximum(words, 1), 0.0)
    return shares


def _segments(block: Block) -> _Segments:
    line = block.points == _LINE
    stop = line | np.isin(block.points, _STOPS)
    stop[:-1] |= (block.points[:-1] == _FULL_STOP) & ((block.kinds[1:] & KIND) == 0)
    lines = np.cumsum(line)[block.starts] + block.owners
    segments = np.cumsum(stop)[block.starts] + block.owners
    starts = np.flatnonzero(np.diff(segments, prepend=-1))
    if not len(starts):
        return _Segments(block.codes, starts, starts, starts, np.zeros(0, bool))
    sizes = np.diff(starts, append=len(segments))
    places = np.arange(len(segments)) - np.repeat(starts, sizes)
    keys = mixed(np.add.reduceat(block.codes * factors(int(sizes.max()))[places], starts))
    named = np.add.reduceat(block.lettered, starts, dtype=np.int64) > 0
    return _Segments(keys, sizes, block.owners[starts], lines[starts], named)


def _told(score: float, least: int) -> str:
    if score == 0:
        return f"nothing of it is its own: it has no words, or each line is in {least} documents"
    return f"{1 - score:.0%} of its words are in lines that {least} or more documents have"
