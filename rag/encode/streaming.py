"""Texts streamed through a model on a device, which is never to wait for the next batch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from rag.encode.backend import ModelSpec
from rag.encode.batches import batches, step
from rag.errors import ModelError
from rag.overlap import Overlap
from rag.protocols import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

_Features: TypeAlias = Mapping[str, Any]

# Tokens, padding included, that go through the model together.
_BATCH_TOKENS = 65_536
# Texts sorted by their tokens at a time, out of those sorted by their characters: the first batch
# is not to wait for all texts to be counted.
_BLOCK = 2_048


class DeviceStream:
    """Encodes passages on the device of `model`, in batches of at most `budget` tokens.

    One batch is computed while the next is tokenized and the copy of it begins. A thread is
    enough for that: the tokenizer works outside Python's lock and on all cores (of the 220 ms that
    16,384 tokens took on two cores with other work to do, the thread itself computed for 29), and
    processes would have to be fed and read. Where the device's memory is too small the budget is
    halved, with one warning, and stays so.
    """

    def __init__(
        self, model: SentenceTransformer, spec: ModelSpec, budget: int = _BATCH_TOKENS
    ) -> None:
        self._model = model.eval()
        self._spec = spec
        self._budget = budget
        self._warned = False

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimension)`, brought back from the device in one piece."""
        import torch

        order: list[int] = []
        made: list[Tensor] = []
        with torch.inference_mode():
            for positions, features in self._ahead(texts):
                order.extend(positions)
                made.extend(self._computed(features))
            rows = torch.cat(made).float().cpu().numpy() if made else 0.0
        vectors = np.empty(
            (len(texts), int(self._model.get_embedding_dimension() or 0)), np.float32
        )
        vectors[order] = rows
        return vectors

    def _ahead(self, texts: Sequence[str]) -> Iterator[tuple[list[int], _Features]]:
        """Batches on their way to the device, each while the next is tokenized."""
        thread: Overlap[list[int], _Features] = Overlap("rag-tokenize")
        try:
            for batch in self._batches(texts):
                while thread.full:
                    yield self._sent(*thread.take()[:2])
                given = [texts[position] for position in batch]
                thread.give(batch, lambda given=given: self._tokenized(given))  # type: ignore[misc]
            while len(thread):
                yield self._sent(*thread.take()[:2])
        finally:
            thread.close()

    def _batches(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Positions of texts of similar length."""
        by_size = sorted(range(len(texts)), key=lambda position: -len(texts[position]))
        for start in range(0, len(texts), _BLOCK):
            block = by_size[start : start + _BLOCK]
            lengths = self._spec.lengths([texts[position] for position in block])
            for batch, _ in batches(lengths, self._spec.length, self._budget):
                yield [block[place] for place in batch]

    def _tokenized(self, texts: list[str]) -> _Features:
        features = self._model.preprocess(
            texts,
            prompt=self._spec.prompts["document"],
            task="document",
            processing_kwargs={"text": {"pad_to_multiple_of": step(self._spec.length)}},
        )
        if self._model.device.type != "cuda":
            return dict(features)
        # From pinned memory alone is a copy made while the device computes.
        return {name: _of(value, lambda one: one.pin_memory()) for name, value in features.items()}

    def _sent(self, batch: list[int], features: _Features) -> tuple[list[int], _Features]:
        device = self._model.device
        sent = {
            name: _of(value, lambda one: one.to(device, non_blocking=True))
            for name, value in features.items()
        }
        return batch, sent

    def _computed(self, features: _Features) -> Iterator[Tensor]:
        """The vectors of a batch, in as many parts as the budget makes of it."""
        rows, length = features["input_ids"].shape
        start = 0
        while start < rows:
            end = min(rows, start + max(1, self._budget // length))
            part = {name: _part(value, rows, start, end) for name, value in features.items()}
            made = self._tried(part)
            if made is None:
                self._halve(end - start, length)
                continue
            yield made
            start = end

    def _tried(self, features: dict[str, Any]) -> Tensor | None:
        """The vectors of some rows; None where the memory of the device is too small for them."""
        import torch

        try:
            found: Tensor = self._model(features, task="document")["sentence_embedding"]
        except torch.OutOfMemoryError:
            # Not within the handler of it: the error holds on to what the model had allocated.
            pass
        else:
            return found[:, : self._model.get_embedding_dimension()]
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None

    def _halve(self, rows: int, length: int) -> None:
        device, name = self._model.device.type, self._spec.name
        if rows == 1:
            raise ModelError(
                f"model '{name}': the memory of device '{device}' is too small for one text of "
                f"{length} tokens: free it of other programs, lower index.encode.max_tokens, or "
                "set index.encode.device to 'cpu'"
            )
        self._budget = rows * length // 2
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"model '{name}': the memory of device '{device}' is too small for batches of "
                f"{rows * length:,} tokens; smaller ones are used",
                stacklevel=2,
            )


def _of(value: Any, change: Any) -> Any:
    """`value` changed if it is a tensor."""
    return change(value) if hasattr(value, "pin_memory") else value


def _part(value: Any, rows: int, start: int, end: int) -> Any:
    """Rows of a tensor that has one for each text; anything else as it is."""
    return value[start:end] if getattr(value, "shape", (0,))[:1] == (rows,) else value
