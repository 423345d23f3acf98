"""What executes a cross-encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from rag.protocols import Scores

Pair: TypeAlias = tuple[str, str]


class PairBackend(Protocol):
    """A loaded cross-encoder, for one thread at a time."""

    @property
    def precision(self) -> str:
        """What it computes in: float32, bfloat16, float16 or int8."""
        ...

    @property
    def device(self) -> str:
        """Where it runs: cpu or cuda."""
        ...

    @property
    def declared(self) -> int | None:
        """The tokens of a pair that the model says it reads; None where it does not say."""
        ...

    @property
    def labels(self) -> Mapping[str, int]:
        """The columns of its scores by name; empty for models that give one score."""
        ...

    def spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """The characters of each token of each text, without special tokens."""
        ...

    def length(self, pair: Pair, limit: int) -> int:
        """Tokens of a pair, special ones too, of which no more than `limit` are read."""
        ...

    def scores(self, pairs: Sequence[Pair], limit: int) -> Scores:
        """float64 `(pairs, columns)`, behind the model's own prompt and activation."""
        ...
