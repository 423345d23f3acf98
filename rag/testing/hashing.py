"""An encoder without a model: words hashed to components (feature hashing, Weinberger 2009)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

from rag.protocols import Vectors

_WORD = re.compile(r"\S+")


class WordCounter:
    """Counts words separated by space."""

    limit = 512

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Character span of each word."""
        return [match.span() for match in _WORD.finditer(text)]


class HashingEncoder:
    """Texts that share words are near each other. Deterministic and fast, for tests alone."""

    def __init__(self, *, dimension: int = 128) -> None:
        self.dimension = dimension
        self.tokenizer = WordCounter()
        self.fingerprint = f"hashing-{dimension}"

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text.lower()) or [""]:
                code = zlib.crc32(word.encode("utf-8", "replace"))
                vectors[row, code % self.dimension] += 1 + code % 7 / 7
        normal: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normal

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The same: this encoder has no prompts."""
        return self.encode_passages(texts)
