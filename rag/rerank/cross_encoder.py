"""Reranking by a transformer that reads question and passage together: Nogueira and Cho (2019)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from rag.loading import Device, torch_device
from rag.models import find_model
from rag.rerank.windows import best, cut
from rag.types import Passage

if TYPE_CHECKING:
    from rag.rerank.pairs import PairModel


class CrossEncoderReranker:
    """Scores passages with a cross-encoder of the sentence-transformers library.

    "Passage Re-ranking with BERT" (Nogueira and Cho 2019). `model` is a folder or a name on the
    hub, which is asked only with `download: true`. Scores are those of `CrossEncoder.predict`:
    the model's own prompt, length and activation. A passage is read with its context, as it is
    indexed: what its headings say is often what it is about.

    Question and passage together have at most `max_tokens`: what the model declares, unless it
    is given. A longer passage is read in windows that share `overlap` tokens, and the best of
    them counts (MaxP, Dai and Callan 2019); with `windows: first` its rest is not read. A model
    that gives several scores, as those for entailment do, needs a `label`: the score is then the
    probability of that label. In BERT and its kin the last layer is computed for the token
    that the scores are made of alone, which leaves them as they are.

    Weights are read as safetensors alone. Code that a model brings along runs only with
    `remote_code: true`: it can do all that you can.
    """

    circumstances: ClassVar[frozenset[str]] = frozenset({"device", "download"})

    def __init__(
        self,
        *,
        model: Annotated[str, Field(min_length=1)] = "cross-encoder/ms-marco-MiniLM-L6-v2",
        max_tokens: Annotated[int, Field(ge=16)] | None = None,
        windows: Literal["max", "first"] = "max",
        overlap: Annotated[int, Field(ge=0)] = 64,
        label: Annotated[str, Field(min_length=1)] | None = None,
        dtype: Literal["float32", "bfloat16", "float16"] = "float32",
        device: Device = "auto",
        download: bool = False,
        remote_code: bool = False,
    ) -> None:
        self._name = model
        self._windows = windows
        self._overlap = overlap
        self._device = device
        self._download = download
        self._settings: dict[str, Any] = {
            "max_tokens": max_tokens,
            "label": label,
            "dtype": dtype,
            "remote_code": remote_code,
        }
        # A tokenizer has a state, and is not for two threads at a time.
        self._lock = threading.Lock()

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Windows have to move on."""
        longest = options["max_tokens"]
        if longest is not None and options["overlap"] > longest // 2:
            yield "overlap", f"'overlap' is more than half of 'max_tokens', which is {longest}"

    def score(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """One score for each passage: see `CrossEncoder.predict`.

        Raises ModelError where the model cannot be had or loaded, RequestError where it does
        not fit the options.
        """
        if not passages:
            return []
        with self._lock:
            return self._score(question, [passage.indexed for passage in passages])

    def _score(self, question: str, texts: Sequence[str]) -> list[float]:
        spans = self._model.spans(texts)
        if self._windows == "first":
            scores = self._model.scores(question, texts, [len(one) for one in spans])
            return [float(score) for score in scores]
        room = self._model.room(question)
        parts = [
            cut(text, where, room, self._overlap) for text, where in zip(texts, spans, strict=True)
        ]
        lengths = [
            min(len(where), room) for where, some in zip(spans, parts, strict=True) for _ in some
        ]
        scores = self._model.scores(question, [part for some in parts for part in some], lengths)
        return best(scores, [len(some) for some in parts])

    @cached_property
    def _model(self) -> PairModel:
        from rag.rerank.pairs import PairModel

        files = find_model(self._name, download=self._download)
        device = torch_device(self._device, "query.rerank.device")
        return PairModel(files, device, **self._settings)
