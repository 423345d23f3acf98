"""Reranking by a transformer that reads question and passage together: Nogueira and Cho (2019)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from rag.cores import Device
from rag.errors import ModelError
from rag.gathering import Gatherer
from rag.models import find_model
from rag.rerank.windows import best, cut
from rag.runtime.choice import faults as runtime_faults
from rag.types import Passage

if TYPE_CHECKING:
    from rag.rerank.pairs import PairModel

Asked: TypeAlias = tuple[str, Sequence[str]]
"""A question, and the texts that are scored against it."""

# What threads ask for at the same time is scored together as long as it fills batches: beyond
# that a question would wait for others, and nothing be gained.
_BATCHES = 4
_CHARACTERS_OF_A_TOKEN = 4


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

    `runtime: auto` runs the model with OpenVINO on a processor, and with torch on a GPU or where it
    brings code of its own. OpenVINO takes a graph that is made of the model once, in some
    seconds, and kept in the user's cache; where a model cannot be converted, torch runs it, with
    a warning. `dtype: auto` is bfloat16 where the device multiplies it faster than float32, and
    float32 elsewhere; `int8` is OpenVINO's alone, and half precision on a GPU.

    Weights are read as safetensors alone. Code that a model brings along runs only with
    `remote_code: true`: it can do all that you can.
    """

    circumstances: ClassVar[frozenset[str]] = frozenset({"device", "download", "runtime"})

    def __init__(
        self,
        *,
        model: Annotated[str, Field(min_length=1)] = "cross-encoder/ms-marco-MiniLM-L6-v2",
        max_tokens: Annotated[int, Field(ge=16)] | None = None,
        windows: Literal["max", "first"] = "max",
        overlap: Annotated[int, Field(ge=0)] = 64,
        label: Annotated[str, Field(min_length=1)] | None = None,
        dtype: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto",
        device: Device = "auto",
        runtime: Literal["auto", "torch", "openvino"] = "auto",
        download: bool = False,
        remote_code: bool = False,
    ) -> None:
        self._name = model
        self._windows = windows
        self._overlap = overlap
        self._download = download
        self._settings: dict[str, Any] = {
            "max_tokens": max_tokens,
            "label": label,
            "dtype": dtype,
            "device": device,
            "runtime": runtime,
            "remote_code": remote_code,
        }
        self._lock = threading.Lock()

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Windows have to move on; OpenVINO is for processors, and 8 bits for OpenVINO."""
        longest = options["max_tokens"]
        if longest is not None and options["overlap"] > longest // 2:
            yield "overlap", f"'overlap' is more than half of 'max_tokens', which is {longest}"
        yield from runtime_faults(options)
        if options["remote_code"] and (
            options["runtime"] == "openvino" or options["dtype"] == "int8"
        ):
            yield "remote_code", "code that a model brings is run by torch alone: leave it out"

    def score(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """One score for each passage: see `CrossEncoder.predict`.

        Raises ModelError where the model cannot be had or loaded, RequestError where it does
        not fit the options.
        """
        if not passages:
            return []
        texts = [passage.indexed for passage in passages]
        with self._lock:
            gatherer = self._gatherer
        return gatherer.result(None, (question, texts))

    @cached_property
    def _gatherer(self) -> Gatherer[None, Asked, list[float]]:
        """A tokenizer has a state, and is not for two threads at a time; nor is the model."""
        full = _BATCHES * _CHARACTERS_OF_A_TOKEN * self._model.batch_tokens
        return Gatherer(
            self._scored, full=full, size=lambda one: sum(map(len, one[1])), closed=_given_up
        )

    def _scored(self, _: None, asked: Sequence[Asked]) -> list[list[float]]:
        """The scores of each question's texts; those of several questions share batches."""
        spans = iter(self._model.spans([text for _, texts in asked for text in texts]))
        pairs: list[tuple[str, str]] = []
        lengths: list[int] = []
        counts: list[int] = []
        for question, texts in asked:
            room = self._model.room(question)
            for text in texts:
                parts, length = self._parts(text, next(spans), room)
                pairs += [(question, part) for part in parts]
                lengths += [length] * len(parts)
                counts.append(len(parts))
        scores = iter(best(self._model.pair_scores(pairs, lengths), counts))
        return [[next(scores) for _ in texts] for _, texts in asked]

    def _parts(
        self, text: str, spans: Sequence[tuple[int, int]], room: int
    ) -> tuple[list[str], int]:
        """What is read of a text, and about how many tokens each of it has."""
        if self._windows == "first":
            return [text], len(spans)
        return cut(text, spans, room, self._overlap), min(len(spans), room)

    @cached_property
    def _model(self) -> PairModel:
        from rag.rerank.pairs import PairModel

        files = find_model(self._name, download=self._download)
        return PairModel(files, **self._settings)


def _given_up() -> ModelError:
    return ModelError("the question was given up while it waited for the cross-encoder")
