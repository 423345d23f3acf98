"""What executes a model of the sentence-transformers library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rag.encode.settings import Task
from rag.encode.tokens import ModelTokenizer
from rag.protocols import TokenVectors, Vectors


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model as it is to be run: `length` is the most tokens that it reads, special ones too.

    `layers` is how many of its layers are run; None for all.
    """

    name: str
    folder: Path
    length: int
    prompts: Mapping[Task, str]
    tokenizer: ModelTokenizer
    layers: int | None = None

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, of which the model reads no more than its length."""
        return [min(one + 2, self.length) for one in self.tokenizer.lengths(texts)]


class Backend(Protocol):
    """A loaded model. Threads may share it; batch size and order do not change a vector."""

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        ...

    @property
    def precision(self) -> str:
        """What it computes in: float32, bfloat16, float16 or int8."""
        ...

    def vectors(self, texts: Sequence[str], task: Task) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one."""
        ...

    def tokens(self, texts: Sequence[str], task: Task) -> Iterator[TokenVectors]:
        """Tokens of each text. Raises RequestError where the model does not pool by the mean."""
        ...

    def pooled(self, means: Vectors) -> Vectors:
        """What follows the mean: `(n, dimension of tokens)` to `(n, dimension)`, unit rows."""
        ...
