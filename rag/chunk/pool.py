"""The vectors of one document's passages, as means of the tokens that stand in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.chunk.windows import Window
from rag.protocols import Scores, TokenEncoder, TokenVectors, Vectors
from rag.types import Passage


class PassagePool:
    """Running sums over the windows of `text`, so that no token is kept.

    A token belongs to each passage that holds its first character. What stands before the first
    token of the text and after the last, special tokens and a prompt, belongs with those.
    """

    def __init__(self, text: str, passages: Sequence[Passage]) -> None:
        self._text = text
        spans = [(passage.start, passage.end) for passage in passages]
        self._spans = np.array(spans, np.int64).reshape(-1, 2)
        self._counts = np.zeros(len(passages), np.int64)
        self._sums: Scores | None = None

    def __len__(self) -> int:
        return len(self._spans)

    def wants(self, window: Window) -> bool:
        """Whether a passage has characters that are new in `window`."""
        return len(self._within(window)) > 0

    def add(self, window: Window, tokens: TokenVectors) -> None:
        """Count the tokens of `window` that no earlier window had."""
        if self._sums is None:
            self._sums = np.zeros((len(self._spans), tokens.vectors.shape[1]))
        kept, places = self._places(window, tokens.spans)
        vectors = tokens.vectors[kept]
        for row in self._within(window):
            first, last = np.searchsorted(places, self._spans[row])
            self._sums[row] += vectors[first:last].sum(axis=0, dtype=np.float64)
            self._counts[row] += last - first

    def vectors(self, encoder: TokenEncoder) -> Vectors:
        """float32 `(passages, dimension)`; a passage without a token is encoded by itself.

        It can be asked for once: the sums are given up.
        """
        found = np.empty((len(self._spans), encoder.dimension), np.float32)
        pooled, alone = np.flatnonzero(self._counts), np.flatnonzero(self._counts == 0)
        if self._sums is not None and len(pooled):
            means = self._sums[pooled] / self._counts[pooled, None]
            found[pooled] = encoder.pooled(means.astype(np.float32))
        if len(alone):
            found[alone] = encoder.encode_passages([self._text[a:b] for a, b in self._spans[alone]])
        self._sums = None
        return found

    def _within(self, window: Window) -> NDArray[np.intp]:
        starts, ends = self._spans.T
        return np.flatnonzero((starts < window.end) & (ends > window.new))

    def _places(
        self, window: Window, spans: Sequence[tuple[int, int]]
    ) -> tuple[slice, NDArray[np.int64]]:
        """The tokens that count, as a slice, and where in the text each of them stands."""
        standing = [position for position, span in enumerate(spans) if span != (0, 0)]
        if not standing:
            return slice(0, 0), np.empty(0, np.int64)
        first, last = standing[0], standing[-1]
        places = [self._place(window, *span) for span in spans[first : last + 1]]
        # Spans begin in order; one that begins with space may begin before the one ahead of it.
        ascending = np.maximum.accumulate(np.array(places, np.int64))
        fresh = int(np.searchsorted(ascending, window.new))
        before = first if window.first else 0
        after = len(spans) - last - 1 if window.last else 0
        kept = slice(first + fresh - before, last + 1 + after)
        return kept, np.pad(ascending[fresh:], (before, after), "edge")

    def _place(self, window: Window, start: int, end: int) -> int:
        """The first character of a token that is not space; its own first where all are."""
        token = self._text[window.start + start : window.start + end]
        space = len(token) - len(token.lstrip())
        return window.start + start + (space if space < len(token) else 0)
