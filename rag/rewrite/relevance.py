"""Relevance models: the terms of passages that seem to answer a question (RM1).

Lavrenko and Croft 2001, "Relevance-Based Language Models", with a passage's BM25 score as the
likelihood that it is relevant, as Anserini and Terrier have it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import regex

from rag.protocols import View
from rag.scripts import PAIRED
from rag.types import Passage

_WORD = regex.compile(r"\w+")
_UNSPACED = regex.compile(rf"[{PAIRED}]")
# Shorter terms are mostly what is left of abbreviations and formulas.
_SHORTEST = 2

Terms = tuple[str, ...]
"""What a word becomes when it is analysed: one term, or one for each language of the index."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """A word that says, once it is analysed, exactly `terms`; `share` is its probability."""

    word: str
    terms: Terms
    share: float


def expansions(
    found: Sequence[tuple[Passage, float]], view: View, count: int, common: float
) -> list[Expansion]:
    """The `count` likeliest terms of a relevance model, their shares adding up to one.

    `found` are passages with positive scores. Terms that more than the share `common` of all
    passages have are left out. Each is given as the word that says it most often.
    """
    analysed = _Analysed(view)
    words = [(analysed.count(passage.indexed), score) for passage, score in found]
    likely = _likelihoods(words, analysed)
    ranked = sorted(likely.items(), key=lambda pair: (-pair[1], pair[0]))
    kept = [pair for pair, _ in zip(_worth(ranked, view, common), range(count), strict=False)]
    spoken = _spoken({terms for terms, _ in kept}, words, analysed)
    total = math.fsum(share for _, share in kept)
    return [Expansion(spoken[terms], terms, share / total) for terms, share in kept]


class _Analysed:
    """Words with what the index makes of them, each looked up once."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._known: dict[str, Terms] = {}

    def __getitem__(self, word: str) -> Terms:
        if word not in self._known:
            self._known[word] = tuple(self._view.terms(word))
        return self._known[word]

    def count(self, text: str) -> Counter[str]:
        """How often `text` says each word that is not a stop word."""
        counts: Counter[str] = Counter()
        for word, times in Counter(_WORD.findall(text.lower())).items():
            # A run without spaces is no word: its terms are taken as they are.
            for one in self[word] if _UNSPACED.search(word) else (word,):
                if self[one]:
                    counts[one] += times
        return counts


def _likelihoods(
    words: Sequence[tuple[Mapping[str, int], float]], analysed: _Analysed
) -> dict[Terms, float]:
    """The probability of terms: over passages, of a term in the passage times its score's share."""
    total = math.fsum(score for _, score in words)
    likely: dict[Terms, float] = {}
    for counts, score in words:
        length = sum(counts.values())
        for word, times in counts.items():
            terms = analysed[word]
            likely[terms] = likely.get(terms, 0.0) + score / total * times / length
    return likely


def _worth(
    ranked: Sequence[tuple[Terms, float]], view: View, common: float
) -> Iterator[tuple[Terms, float]]:
    # No term is empty. A word of one language may be a stop word of its passage's.
    absent = view.idf("")
    for terms, share in ranked:
        rarity = min(view.idf(term) for term in terms)
        # idf is ln((N + 1) / (n + 0.5)): its inverse is about the share of passages.
        if rarity < absent and math.exp(-rarity) <= common and min(map(len, terms)) >= _SHORTEST:
            yield terms, share


def _spoken(
    wanted: set[Terms], words: Sequence[tuple[Mapping[str, int], float]], analysed: _Analysed
) -> dict[Terms, str]:
    """The word that says each of `wanted` most often; of several the first by alphabet."""
    together: Counter[str] = Counter()
    for counts, _ in words:
        together.update(counts)
    spoken: dict[Terms, str] = {}
    for word, _ in sorted(together.items(), key=lambda pair: (-pair[1], pair[0])):
        if analysed[word] in wanted:
            spoken.setdefault(analysed[word], word)
    return spoken
