"""Models run by the sentence-transformers library itself, on any device that torch knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rag.encode.backend import ModelSpec
from rag.encode.batches import batches, filled, step, stretches
from rag.encode.loading import load_model
from rag.encode.pooling import MeanPooling, unit
from rag.encode.settings import Task
from rag.encode.streaming import DeviceStream
from rag.protocols import TokenVectors, Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class TorchBackend:
    """See `rag.encode.backend.Backend`. The model is loaded at once.

    On a processor batches have such shapes that company does not change the bits of a vector;
    on a GPU they are as large as makes it quick, and bits are not promised.
    """

    def __init__(self, spec: ModelSpec, dtype: str, device: str) -> None:
        self._spec = spec
        self.precision = dtype
        self._model: SentenceTransformer = load_model(
            spec.name, spec.folder, dtype, device, spec.length, layers=spec.layers
        )
        on_processor = self._model.device.type == "cpu"
        self._stream = None if on_processor else DeviceStream(self._model, spec)

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def vectors(self, texts: Sequence[str], task: Task) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one."""
        if self._stream is not None and task == "document":
            return unit(self._stream.vectors(texts))
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for batch, length in batches(self._spec.lengths(texts), self._spec.length):
            # A question is always encoded alone, and somebody waits for it.
            given = [texts[n] for n in batch]
            rows = given if task == "query" else filled(given, length)
            vectors[batch] = self._run(rows, task)[: len(batch)]
        return unit(vectors)

    def tokens(self, texts: Sequence[str], task: Task) -> Iterator[TokenVectors]:
        """Tokens of each text; those of some 16,000 tokens are in memory at a time."""
        _ = self._pooling
        if task == "query":
            return (
                one
                for text in texts
                for one in self._tokens([text], self._spec.lengths([text]), task)
            )
        lengths = self._spec.lengths(texts)
        return (
            one
            for some in stretches(lengths)
            for one in self._tokens([texts[n] for n in some], [lengths[n] for n in some], task)
        )

    def pooled(self, means: Vectors) -> Vectors:
        """What follows the mean."""
        if not len(means):
            return np.empty((0, self.dimension), np.float32)
        return unit(self._pooling.pooled(means)[:, : self.dimension])

    @cached_property
    def _pooling(self) -> MeanPooling:
        return MeanPooling(self._model, self._spec.name)

    def _tokens(
        self, texts: Sequence[str], lengths: Sequence[int], task: Task
    ) -> list[TokenVectors]:
        prompt = len(self._spec.prompts[task])
        extra = {"return_offsets_mapping": True}
        found: dict[int, TokenVectors] = {}
        for batch, length in batches(lengths, self._spec.length):
            given = [texts[n] for n in batch]
            rows = given if task == "query" else filled(given, length)
            run = self._run(rows, task, None, **extra)
            for position, features in zip(batch, run, strict=False):
                found[position] = self._pooling.tokens(features, prompt)
        return [found[position] for position in range(len(texts))]

    def _run(
        self,
        texts: list[str],
        task: Task,
        output: Literal["sentence_embedding"] | None = "sentence_embedding",
        **text: object,
    ) -> Any:
        """One batch through the model; `text` is what its tokenizer is told."""
        model = self._model
        encode: Any = model.encode_query if task == "query" else model.encode_document
        return encode(
            texts,
            prompt=self._spec.prompts[task],
            batch_size=len(texts),
            show_progress_bar=False,
            output_value=output,
            processing_kwargs={"text": {"pad_to_multiple_of": step(self._spec.length), **text}},
        )
