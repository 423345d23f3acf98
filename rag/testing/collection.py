"""A collection of passages in memory, for pruners under test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rag.protocols import Encoder, Scores, Vectors
from rag.types import Passage

_BLOCK = 100


class MemoryCollection:
    """See `rag.protocols.Collection`. Without an encoder it has no vectors."""

    def __init__(self, passages: Sequence[Passage], encoder: Encoder | None = None) -> None:
        self._passages = sorted(passages, key=lambda passage: passage.order)
        self._encoder = encoder

    def __len__(self) -> int:
        return len(self._passages)

    def passages(self) -> Iterator[Passage]:
        """The passages."""
        yield from self._passages

    def vectors(self) -> Iterator[Vectors]:
        """Their vectors, in blocks."""
        assert self._encoder is not None, "this collection has no vectors"
        texts = [passage.indexed for passage in self._passages]
        for start in range(0, len(texts), _BLOCK):
            yield self._encoder.encode_passages(texts[start : start + _BLOCK])

    def scores(
        self, fingerprint: str, score: Callable[[Sequence[Passage]], Sequence[float]]
    ) -> Scores:
        """Scores of each text, asked once."""
        by_text = {passage.indexed: passage for passage in self._passages}
        asked = score(list(by_text.values())) if by_text else ()
        known = dict(zip(by_text, asked, strict=True))
        return np.array([known[passage.indexed] for passage in self._passages], np.float64)
