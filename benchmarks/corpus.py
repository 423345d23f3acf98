"""Synthetic English-like text: words by Zipf's law, in sentences; the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# The most frequent words are those of English, so that the text is taken for English.
FUNCTION_WORDS = (
    "the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "as", "was", "with", "be",
    "by", "on", "not", "he", "his", "but", "at", "are", "this", "have", "from", "or", "had", "an",
    "they", "which", "one", "you", "were", "all", "her", "she", "there", "would", "their", "we",
    "him", "been", "has", "when", "who", "will", "no", "more", "if", "out", "so", "up", "said",
    "what", "its", "about", "than", "into", "them", "can", "only", "other", "time", "new", "some",
    "could", "these", "two", "may", "first", "then", "do", "any", "like", "my", "now", "over",
    "such", "our", "man", "me", "even", "most", "made", "after", "also", "did", "many", "off",
    "before", "must", "well", "back", "through", "years", "where", "much", "your", "way", "down",
    "should", "because", "long", "each", "just", "those", "people", "too", "how", "little",
    "state", "good", "very", "make", "world", "still", "own", "see", "men", "work", "here", "get",
    "both", "between", "life", "being", "under", "three", "never", "know", "same", "last",
)  # fmt: skip
_ONSETS = ("b", "br", "c", "ch", "d", "f", "g", "gr", "h", "l", "m", "n", "p", "pr", "r", "s",
           "st", "t", "th", "w")  # fmt: skip
_RHYMES = ("a", "al", "an", "ar", "e", "en", "er", "ing", "io", "on", "or", "u")
_SYLLABLES = tuple("".join(pair) for pair in product(_ONSETS, _RHYMES))
_EXPONENT = 1.05
_SENTENCE = (6, 25)
_PARAGRAPH_SENTENCES = 6


class Corpus:
    """Draws text from a vocabulary of `size` words."""

    def __init__(self, size: int = 50_000, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        made = ("".join(parts) for n in (2, 3) for parts in product(_SYLLABLES, repeat=n))
        content = [word for word, _ in zip(made, range(size - len(FUNCTION_WORDS)), strict=False)]
        self._random.shuffle(content)
        self.words = np.array([*FUNCTION_WORDS, *content], dtype=object)
        weights = np.arange(1, size + 1, dtype=np.float64) ** -_EXPONENT
        self._cumulative = np.cumsum(weights / weights.sum())

    def draw(self, count: int) -> list[str]:
        """`count` words."""
        drawn: list[str] = self.words[self.ranks(self._random.random(count))].tolist()
        return drawn

    def ranks(self, shares: NDArray[np.float64]) -> NDArray[np.int64]:
        """The ranks of words drawn by `shares` `(n,)`, each from 0 to below 1."""
        ranks = np.searchsorted(self._cumulative, shares)
        return np.minimum(ranks, len(self.words) - 1)

    def text(self, count: int) -> str:
        """`count` words in sentences and paragraphs."""
        words = self.draw(count)
        return " ".join(self._sentences(words))

    def passages(self, count: int, mean: int = 100) -> Iterator[str]:
        """`count` texts of around `mean` words."""
        for length in self._random.normal(mean, mean / 4, count):
            yield self.text(max(mean // 5, int(length)))

    def write(self, folder: Path, size: int, file_size: int = 200_000) -> None:
        """Text files of about `file_size` characters in `folder`, `size` characters in all."""
        folder.mkdir(parents=True)
        written = 0
        while written < size:
            text = self.text(file_size // 7)
            (folder / f"{written:012}.txt").write_text(text, encoding="utf-8")
            written += len(text)

    def _sentences(self, words: list[str]) -> Iterator[str]:
        start = 0
        number = 1
        while start < len(words):
            length = int(self._random.integers(*_SENTENCE))
            sentence = " ".join(words[start : start + length]).capitalize() + "."
            yield sentence + ("\n\n" if number % _PARAGRAPH_SENTENCES == 0 else "")
            start += length
            number += 1
