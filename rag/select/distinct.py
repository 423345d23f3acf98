"""Near copies among hits, found by the sequences of words that they share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Annotated, TypeAlias

import numpy as np
import regex
from numpy.typing import NDArray
from pydantic import Field

from rag.protocols import View
from rag.scripts import UNSPACED
from rag.tracing import note
from rag.types import Hit, Query

Keys: TypeAlias = NDArray[np.uint64]

_UNSPACED = regex.compile(rf"[{UNSPACED}]")
# All of those and more, which is found much faster where there is none.
_MAYBE_UNSPACED = re.compile("[\u0e00-\u109f\u1780-\u17ff\u2e80-\U0010ffff]")
# Odd factors, one for each place in a sequence of words.
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)


class DistinctSelector:
    """The first of each group of near copies among the first `top` hits, and all other hits.

    Two passages are near copies where the sets of their sequences of three words have a Jaccard
    index of at least `similarity` (Broder 1997): the share of all their sequences that both
    have. Words are what white space parts, whatever their case, and each character of a script
    that is written without spaces. A hit is held against the hits that are kept before it, so
    that it is left out only for one that stays. Order alone counts, and stays. A note tells how
    many were left out.
    """

    def __init__(
        self,
        *,
        similarity: Annotated[float, Field(gt=0, le=1)] = 0.9,
        top: Annotated[int, Field(ge=1)] = 50,
    ) -> None:
        self.similarity = similarity
        self.top = top

    def select(self, query: Query, hits: Sequence[Hit], view: View) -> Sequence[Hit]:
        """The hits that are left, in their order."""
        copies = _copies([hit.passage.text for hit in hits[: self.top]], self.similarity)
        if copies:
            note(f"{len(copies)} left out: near copies of hits before them")
        return [hit for place, hit in enumerate(hits) if place not in copies]


def _copies(texts: Sequence[str], similarity: float) -> set[int]:
    """Places of texts that are near copies of one before them which is none itself."""
    kept: list[set[int]] = []
    copies: set[int] = set()
    for place, shingles in _likely(texts, similarity):
        if any(_jaccard(shingles, one) >= similarity for one in kept):
            copies.add(place)
        else:
            kept.append(shingles)
    return copies


def _likely(texts: Sequence[str], similarity: float) -> list[tuple[int, set[int]]]:
    """The texts that could have a copy, by place, with their sequences of words.

    A near copy shares at least `similarity` of its own sequences with its original; most texts
    share far less with all others together, and are never compared one by one.
    """
    if len(texts) < 2:
        return []
    # Keys with their owners in the lowest bits: one sort puts equal keys together.
    bits = np.uint64(len(texts).bit_length())
    keys, owners = _shingles([_words(text) for text in texts])
    packed = np.sort((keys << bits) | owners)
    packed = packed[np.diff(packed, prepend=~packed[:1]) != 0]
    keys = packed >> bits
    owners = (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    same = keys[1:] == keys[:-1]
    shared = np.concatenate([same, [False]]) | np.concatenate([[False], same])
    sizes = np.bincount(owners, minlength=len(texts))
    common = np.bincount(owners[shared], minlength=len(texts))
    likely = np.flatnonzero((common >= similarity * sizes) & (sizes > 0)).tolist()
    return [(place, set(keys[owners == place].tolist())) for place in likely]


def _words(text: str) -> list[str]:
    if not text.isascii() and _MAYBE_UNSPACED.search(text):
        text = _UNSPACED.sub(r" \g<0> ", text)
    return text.lower().split()


def _shingles(texts: Sequence[Sequence[str]]) -> tuple[Keys, Keys]:
    """A number for each sequence of words, and the place of its text.

    A text of fewer words gives one: all of them.
    """
    sizes = np.array([len(words) for words in texts], np.int64)
    owners = np.repeat(np.arange(len(texts), dtype=np.uint64), sizes)
    codes = np.fromiter(map(hash, chain.from_iterable(texts)), np.int64).astype(np.uint64)
    left = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(codes))
    keys = np.zeros(len(codes), np.uint64)
    for place, factor in enumerate(_FACTORS):
        there = codes[place:] * factor
        keys[: len(there)] += np.where(left[: len(there)] > place, there, np.uint64(0))
    starts = np.cumsum(sizes) - sizes
    kept = left >= len(_FACTORS)
    kept[starts[sizes > 0]] = True
    return keys[kept], owners[kept]


def _jaccard(some: set[int], others: set[int]) -> float:
    both = len(some & others)
    return both / (len(some) + len(others) - both)
