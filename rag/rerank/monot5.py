"""Reranking by a sequence-to-sequence model: monoT5, Nogueira, Jiang, Pradeep and Lin (2020)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rag.cores import Device
from rag.loading import torch_device
from rag.models import find_model
from rag.rerank.prompted import PromptedModel
from rag.rerank.windows import best
from rag.types import Passage


class MonoT5Reranker:
    """Scores passages by asking a T5 model whether they are relevant.

    "Document Ranking with a Pretrained Sequence-to-Sequence Model" (Nogueira et al. 2020). The
    model reads `Query: ... Document: ... Relevant:`, and the score is the natural logarithm of
    the probability of its word for relevance, over its two words alone, at the first step of the
    decoder: 0 at most. A passage is read with its context, as it is indexed.

    `model` is a folder or a name on the hub, which is asked only with `download: true`. The two
    words are `targets`, the positive one first, where they are given; those that the model's
    configuration or its family names; or else `true` and `false`, where the model's vocabulary
    has both as single tokens.

    The prompt has at most `max_tokens`. What is too long is cut before `Relevant:`, from the
    document: pyterrier_t5 does so too, where pygaggle cuts `Relevant:` away. A longer passage is
    read in windows that share `overlap` tokens, and the best of them counts; with
    `windows: first` its rest is not read. Weights are read as safetensors alone.
    """

    circumstances: ClassVar[frozenset[str]] = frozenset({"device", "download"})

    def __init__(
        self,
        *,
        model: Annotated[str, Field(min_length=1)] = "castorini/monot5-base-msmarco",
        targets: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None,
        max_tokens: Annotated[int, Field(ge=32)] = 512,
        windows: Literal["max", "first"] = "max",
        overlap: Annotated[int, Field(ge=0)] = 64,
        dtype: Literal["float32", "bfloat16"] = "float32",
        device: Device = "auto",
        download: bool = False,
    ) -> None:
        self._name = model
        self._targets = targets
        self._max_tokens = max_tokens
        self._windows = windows
        self._overlap = overlap
        self._dtype = dtype
        self._device = device
        self._download = download
        # A tokenizer has a state, and is not for two threads at a time.
        self._lock = threading.Lock()

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Windows have to move on, and words to differ."""
        if options["overlap"] > options["max_tokens"] // 2:
            longest = options["max_tokens"]
            yield "overlap", f"'overlap' is more than half of 'max_tokens', which is {longest}"
        targets = options["targets"]
        if targets is not None and targets[0] == targets[1]:
            yield "targets", "'targets' names one word twice: the positive and the negative one"

    def score(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """The log-probability of relevance of each passage.

        Raises ModelError where the model cannot be had or loaded, or its words are not known.
        """
        if not passages:
            return []
        with self._lock:
            prompts = self._model.prompts(
                question,
                [passage.indexed for passage in passages],
                overlap=self._overlap if self._windows == "max" else None,
            )
            scores = self._model.scores([prompt for some in prompts for prompt in some])
        return best(scores, [len(some) for some in prompts])

    @cached_property
    def _model(self) -> PromptedModel:
        device = torch_device(self._device, "query.rerank.device")
        files = find_model(self._name, download=self._download)
        return PromptedModel(files, device, self._dtype, self._max_tokens, self._targets)
