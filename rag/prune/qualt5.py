"""QualT5: a T5 model asked whether a passage could be relevant to any question at all.

Chang, Mishra, Macdonald and MacAvaney (2024), "Neural Passage Quality Estimation for Static
Pruning", SIGIR. Prompt, target words and truncation are those of the authors' code
(github.com/terrierteam/pyterrier-quality, `qualt5.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from rag.batching import batches_of_tokens
from rag.cores import Device
from rag.loading import torch_device
from rag.models import ModelFiles, find_model
from rag.protocols import Collection, Quality, Scores
from rag.targets import TargetModel
from rag.types import Passage

PROMPT = "Document: {} Relevant:"
TARGETS = ("true", "false")
# Tokens, padding included, that go through the model together.
_BATCH_TOKENS = 8_192
# Digits of a logarithm that stay whatever a passage is scored with.
_DIGITS = 5


class QualT5Pruner:
    """The probability, 0 to 1, that a T5 model calls a passage relevant to some question.

    `model` is a folder or a name on the hub, which is asked only with `download: true`; the
    published ones are `pyterrier-quality/qt5-tiny`, `-small` and `-base` and, for many languages,
    `mqt5-small`. The passage's own text is judged, without its context; prompt and text
    together are cut after `max_tokens`. Texts of similar length are scored together. Scores are
    kept with the index, so that a text is scored once.
    """

    needs_vectors = False
    circumstances: ClassVar[frozenset[str]] = frozenset({"device", "download"})

    def __init__(
        self,
        *,
        model: str = "pyterrier-quality/qt5-tiny",
        max_tokens: Annotated[int, Field(ge=16)] = 512,
        device: Device = "auto",
        download: bool = False,
    ) -> None:
        self._name = model
        self._max_tokens = max_tokens
        self._device = device
        self._download = download

    def judge(self, collection: Collection) -> Quality:
        """Scores of all passages. Raises ModelError where the model cannot be had or loaded."""
        scores = collection.scores(self.fingerprint, self.score)
        return Quality(scores, _telling(scores))

    @cached_property
    def fingerprint(self) -> str:
        """Made of the model's weights and settings, the prompt and the length."""
        folder = self._files.folder
        settings = [
            (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
            for path in sorted(folder.glob("*.json"))
        ]
        record = ["qualt5", self._files.weights(), settings, PROMPT, self._max_tokens]
        return hashlib.sha256(json.dumps(record).encode()).hexdigest()

    def score(self, passages: Sequence[Passage]) -> list[float]:
        """The probability of the first target word, in the order of `passages`."""
        scores = np.zeros(len(passages))
        encoded = [self._model.encode(passage.text) for passage in passages]
        for batch in batches_of_tokens([len(tokens) for tokens in encoded], _BATCH_TOKENS):
            scores[batch] = self._model.log_first([encoded[one] for one in batch])
        return [float(one) for one in np.exp(np.round(scores, _DIGITS))]

    @cached_property
    def _files(self) -> ModelFiles:
        return find_model(self._name, download=self._download)

    @cached_property
    def _model(self) -> PromptModel:
        device = torch_device(self._device, "index.prune.device")
        return PromptModel(self._files, self._max_tokens, device)


class PromptModel(TargetModel):
    """The model of `files`, asked for one of its target words."""

    def __init__(self, files: ModelFiles, max_tokens: int, device: str) -> None:
        super().__init__(files, device)
        self._max_tokens = max_tokens
        first, second = (self.tokenizer(word).input_ids[0] for word in self.declared or TARGETS)
        self.choose(first, second)

    def encode(self, text: str) -> list[int]:
        """Token numbers of the prompt for `text`."""
        ids: list[int] = self.tokenizer(
            PROMPT.format(text), truncation=True, max_length=self._max_tokens
        ).input_ids
        return ids


def _telling(scores: Scores) -> Callable[[int], str]:
    return lambda position: f"QualT5 gives it a chance of {scores[position]:.0%} to be relevant"
