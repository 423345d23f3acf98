"""Small components for tests of the configuration, registered through real entry points."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field

from rag import registry
from rag.registry import Nested


class Fixed:
    """Windows of a fixed number of tokens.

    More about it.
    """

    def __init__(self, *, max_tokens: Annotated[int, Field(ge=8)] = 254, overlap: int = 0) -> None:
        self.max_tokens = max_tokens
        self.overlap = overlap

    @classmethod
    def faults(cls, options: Mapping[str, int]) -> list[tuple[str, str]]:
        if options["overlap"] < options["max_tokens"]:
            return []
        return [("overlap", "'overlap' must be less than 'max_tokens'")]


class Late:
    """Cuts where another chunker does."""

    needs: ClassVar[str] = "encode"
    given: ClassVar[tuple[str, ...]] = ("encoder",)

    def __init__(
        self,
        *,
        encoder: object = None,
        boundaries: Annotated[Fixed, Nested("chunker", default="fixed")],
    ) -> None:
        self.encoder = encoder
        self.boundaries = boundaries


class Quality:
    """Drops poor passages."""

    def __init__(self, *, words: tuple[str, ...] = ()) -> None:
        self.words = words


class Copies:
    """Drops what was said before."""

    threshold: ClassVar[float] = 0.2


class Far:
    """Drops what is like nothing else."""

    needs_vectors = True


class Mean:
    """What several think together."""

    def __init__(self, *, of: Annotated[list[Quality], Nested("pruner", several=True)]) -> None:
        self.of = of


class Sentences:
    """An encoder."""

    def __init__(
        self,
        *,
        model: str,
        dtype: Literal["float32", "bfloat16", "int8"] = "float32",
        max_tokens: int | None = None,
        copy: bool = False,
    ) -> None:
        self.model = model
        self.dtype = dtype

    @classmethod
    def max_tokens_of(cls, options: Mapping[str, object]) -> int | None:
        return 254


class Lexical:
    """A lexical engine."""

    def __init__(self, *, language: str = "auto") -> None:
        self.language = language


class Searched:
    """Searches vectors."""

    def __init__(self, *, exact_up_to: int = 9) -> None:
        self.exact_up_to = exact_up_to


class Bm25:
    """Finds by words."""

    needs: ClassVar[str] = "lexical"

    def __init__(self, *, k: Annotated[int, Field(ge=1)] = 100) -> None:
        self.k = k


class Dense:
    """Finds by meaning."""

    needs: ClassVar[str] = "encode"

    def __init__(self, *, k: Annotated[int, Field(ge=1)] = 100) -> None:
        self.k = k


class Convex:
    """A weighted sum of scores."""

    def __init__(self, *, alpha: float | None = None, weights: list[float] | None = None) -> None:
        self.alpha = alpha
        self.weights = weights


class Hyde:
    """Writes a passage that might answer."""

    def __init__(self, *, model: dict[str, str]) -> None:
        self.model = model


class Cross:
    """Reads question and passage together."""

    def __init__(self, *, model: str = "small") -> None:
        self.model = model


class Extractive:
    """Quotes sentences."""

    def __init__(self, *, threshold: float = 0.5) -> None:
        self.threshold = threshold


COMPONENTS: Mapping[str, Mapping[str, type]] = {
    "chunker": {"fixed": Fixed, "late": Late},
    "pruner": {"quality": Quality, "copies": Copies, "mean": Mean, "far": Far},
    "encoder": {"sentence-transformers": Sentences},
    "lexical": {"bm25": Lexical},
    "dense": {"auto": Searched},
    "retriever": {"bm25": Bm25, "dense": Dense},
    "fuser": {"convex": Convex},
    "rewriter": {"hyde": Hyde},
    "reranker": {"cross": Cross},
    "answerer": {"extractive": Extractive},
}


def _points(kind: str) -> dict[str, EntryPoint]:
    return {
        name: EntryPoint(name, f"{__name__}:{component.__name__}", registry.GROUPS[kind])
        for name, component in COMPONENTS.get(kind, {}).items()
    }


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make these the only components that are installed."""
    monkeypatch.setattr(registry, "_registered", _points)


FULL = """\
name: full
description: every part at once
index:
  chunk: {use: fixed, max_tokens: 128}
  prune: {use: quality, keep: 0.9}
  encode: {use: sentence-transformers, model: tiny}
  lexical: {use: bm25, language: no}
query:
  - rewrite: {use: hyde, model: {use: openai, model: m}}
  - retrieve: {fuse: {use: convex, alpha: 0.6}, of: [{use: bm25, k: 100}, {use: dense}]}
  - rerank: {use: cross, top: 20}
  - rerank: {use: cross, model: large, top: 10}
  - cut: {k: 8}
answer: {use: extractive}
"""
