"""QualT5: a T5 model asked whether a passage could be relevant to any question at all.

Chang, Mishra, Macdonald and MacAvaney (2024), "Neural Passage Quality Estimation for Static
Pruning", SIGIR. Prompt, target words and truncation are those of the authors' code
(github.com/terrierteam/pyterrier-quality, `qualt5.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from rag.errors import ModelError, RagError, RequestError
from rag.models import ModelFiles, find_model
from rag.protocols import Collection, Quality, Scores
from rag.types import Passage

if TYPE_CHECKING:
    from pathlib import Path

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
        device: Literal["auto", "cpu", "cuda"] = "auto",
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
        for batch in _batches([len(tokens) for tokens in encoded]):
            scores[batch] = self._model.log_true([encoded[one] for one in batch])
        return [float(one) for one in np.exp(np.round(scores, _DIGITS))]

    @cached_property
    def _files(self) -> ModelFiles:
        return find_model(self._name, download=self._download)

    @cached_property
    def _model(self) -> PromptModel:
        self._files.weights()
        try:
            return PromptModel(self._files.folder, self._max_tokens, self._device)
        except RagError:
            raise
        except Exception as error:
            first = (str(error) or type(error).__name__).splitlines()[0]
            raise ModelError(f"model '{self._name}' cannot be loaded: {first}") from error


class PromptModel:
    """A T5 model in `folder` that answers the prompt with one of two words."""

    def __init__(self, folder: Path, max_tokens: int, device: str) -> None:
        import torch
        from transformers import AutoTokenizer

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        elif device == "cuda" and not torch.cuda.is_available():
            raise RequestError("index.prune.device: no CUDA device here; use 'auto' or 'cpu'")
        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        self._model: Any = _loaded(folder).to(device).eval()
        self._device = device
        self._max_tokens = max_tokens
        self._targets = [
            self._tokenizer(word).input_ids[0]
            for word in getattr(self._model.config, "targets", None) or TARGETS
        ]
        if len(set(self._targets)) != 2:
            raise ModelError(f"the model in '{folder}' does not tell its two target words apart")

    def encode(self, text: str) -> list[int]:
        """Token numbers of the prompt for `text`."""
        ids: list[int] = self._tokenizer(
            PROMPT.format(text), truncation=True, max_length=self._max_tokens
        ).input_ids
        return ids

    def log_true(self, prompts: Sequence[Sequence[int]]) -> Scores:
        """Log-softmax over the two target words at the first decoder step, of the first word."""
        import torch

        longest = max(map(len, prompts))
        pad = self._tokenizer.pad_token_id
        ids = torch.tensor([[*one, *[pad] * (longest - len(one))] for one in prompts])
        mask = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in prompts])
        start = torch.full((len(prompts), 1), self._model.config.decoder_start_token_id)
        with torch.inference_mode():
            logits = self._model(
                input_ids=ids.to(self._device),
                attention_mask=mask.to(self._device),
                decoder_input_ids=start.to(self._device),
            ).logits[:, 0, self._targets]
        scores: Scores = torch.log_softmax(logits.double(), dim=1)[:, 0].cpu().numpy()
        return scores


def _loaded(folder: Path) -> Any:
    from transformers import AutoModelForSeq2SeqLM
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return AutoModelForSeq2SeqLM.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True
        )
    finally:
        if shown:
            logging.enable_progress_bar()


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions in batches of similar length, longest first."""
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lambda one: -lengths[one]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def _telling(scores: Scores) -> Callable[[int], str]:
    return lambda position: f"QualT5 gives it a chance of {scores[position]:.0%} to be relevant"
