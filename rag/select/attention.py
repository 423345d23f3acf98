"""A learned aggregation of a document's passages: PARADE with attention (Li et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field

from rag.errors import IndexMismatchError, ModelError, RequestError
from rag.protocols import Vectors, View
from rag.select.grouping import by_document, ranked
from rag.types import Hit, Query

_SHAPES: Mapping[str, int] = {"attention": 1, "head": 1, "bias": 0}


@dataclass(frozen=True, slots=True)
class Weights:
    """`attention` and `head` float32 `(dimension,)`, and `bias` `()`."""

    attention: Vectors
    head: Vectors
    bias: Vectors

    @classmethod
    def drawn(cls, dimension: int, seed: int = 0) -> Self:
        """Random weights, from which training starts. They rank nothing well."""
        random = np.random.default_rng(seed)
        drawn = random.normal(0, dimension**-0.5, (2, dimension)).astype(np.float32)
        return cls(drawn[0], drawn[1], np.zeros((), np.float32))

    @classmethod
    def load(cls, path: Path) -> Self:
        """The weights in a safetensors file. Raises ModelError where it holds something else."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            found = load_file(path)
        except (OSError, SafetensorError) as error:
            told = " ".join(str(error).split())
            raise ModelError(f"{path}: the weights cannot be read: {told}") from None
        shapes = {name: found[name].ndim for name in found}
        if shapes != _SHAPES or found["attention"].shape != found["head"].shape:
            raise ModelError(
                f"{path}: has {', '.join(sorted(found)) or 'nothing'}; an attention over passages "
                "is 'attention' and 'head' of one length and a single 'bias'"
            )
        return cls(**{name: found[name].astype(np.float32) for name in _SHAPES})

    def save(self, path: Path) -> None:
        """Write the weights to a safetensors file."""
        from safetensors.numpy import save_file

        save_file({name: getattr(self, name) for name in _SHAPES}, path)

    def score(self, question: Vectors, passages: Vectors) -> float:
        """The score of a document: `(dimension,)` and `(n, dimension)` to a number."""
        matched = passages * question
        logits = matched @ self.attention
        shares = np.exp(logits - logits.max())
        return float(shares / shares.sum() @ matched @ self.head + self.bias)


class AttentionSelector:
    """The best `passages` of each document, documents by a score that was learned.

    The vectors of the passages found of a document are multiplied by the question's, component
    by component; a softmax over one weight vector says how much each counts in their mean, and
    a linear layer makes the score of it. This is the attention of PARADE over what stands in
    the index instead of over a cross-encoder's output. `weights` is a safetensors file with
    `attention`, `head` and `bias`; with equal attention and a head of ones the score is the
    mean cosine. What comes with it is no ranking worth having before weights are trained.
    """

    needs: ClassVar[str] = "encode"
    compares: ClassVar[bool] = True

    def __init__(self, *, weights: str, passages: Annotated[int, Field(ge=1)] = 1) -> None:
        self.weights = weights
        self.passages = passages

    @classmethod
    def faults(cls, options: Mapping[str, object]) -> list[tuple[str, str]]:
        """The file is there."""
        weights = Path(str(options.get("weights"))).expanduser()
        return [] if weights.is_file() else [("weights", f"there is no file '{weights}'")]

    def select(self, query: Query, hits: Sequence[Hit], view: View) -> Sequence[Hit]:
        """Hits of all documents, each document's together.

        Raises ModelError for a file of something else, and RequestError where it was made for
        vectors of another length.
        """
        if not hits:
            return []
        documents = by_document(hits)
        question, vectors = self._vectors(query, documents, view)
        scored = []
        for found in documents:
            own, vectors = vectors[: len(found)], vectors[len(found) :]
            scored.append((self._weights.score(question, own), found))
        return ranked(scored, self.passages)

    def _vectors(
        self, query: Query, documents: Sequence[Sequence[Hit]], view: View
    ) -> tuple[Vectors, Vectors]:
        """The vector of the question, and those of all passages."""
        if view.encoder is None:
            raise IndexMismatchError(
                "this index has no vectors: index with a pipeline that encodes"
            )
        question = view.encoder.encode_queries([query.asked])[0]
        if question.shape != self._weights.head.shape:
            raise RequestError(
                f"the weights in '{self.weights}' are for vectors of {len(self._weights.head)} "
                f"components, and the index has {len(question)}: name others in 'weights'"
            )
        hits = [hit for found in documents for hit in found]
        # Of what a passage grew to there is no vector: that of the best one found counts.
        return question, view.vectors([(hit.found or (hit.passage,))[0] for hit in hits])

    @cached_property
    def _weights(self) -> Weights:
        return Weights.load(Path(self.weights).expanduser())
