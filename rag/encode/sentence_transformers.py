"""Encoders from the sentence-transformers library: any of its models, by name or folder."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rag.checksums import settings
from rag.cores import Device
from rag.encode.backend import Backend, ModelSpec
from rag.encode.choice import load_backend
from rag.encode.settings import ModelSettings, Task
from rag.encode.tokens import ModelTokenizer
from rag.errors import ModelError, RequestError
from rag.models import ModelFiles, find_model
from rag.protocols import TokenVectors, Vectors
from rag.runtime.choice import faults as runtime_faults


class SentenceTransformersEncoder:
    """A sentence-transformers model: the 384-dimensional all-MiniLM-L6-v2 unless another is named.

    `model` is a folder, a model carried by an installed package, or a name on the hub, which
    is asked only with `download: true`. `max_tokens` is how much of a text is read: what the model
    declares, unless it is given, and at most a token for each position that the model has
    (all-MiniLM-L6-v2 declares 256 and has 512). `layers` runs the first layers alone of a model
    that declares that it was trained for it. Prompts default to the model's own. Texts of similar
    length are encoded together, in batches of such shapes that a passage's vector has the same bits
    whatever is encoded with it (measured for all-MiniLM-L6-v2 on a processor); vectors are brought
    to length one in single precision whatever `dtype` the model runs in. Models that pool by the
    mean give the vectors of their tokens too, for late chunking.

    `runtime: auto` runs the model with OpenVINO on a processor and with torch on a GPU. OpenVINO
    takes a graph that is made of the model once, in some seconds, and kept in the user's cache;
    where a model cannot be converted, torch runs it, with a warning. `dtype: auto` is bfloat16
    where the device multiplies it faster than float32, and float32 elsewhere: their vectors agree
    to .999, so an index made with either is open to both. What a processor cannot compute in is
    computed in float32. `int8` rounds the weights and what goes through them: faster on
    processors, a quarter of the memory, and vectors that agree to some .999 (all-MiniLM-L6-v2).
    OpenVINO alone has it, and a GPU computes in half precision in its place. `rag doctor` tells
    what this machine makes of them, and `rag status` what an index was computed in.
    """

    circumstances: ClassVar[frozenset[str]] = frozenset({"device", "download", "runtime"})

    def __init__(
        self,
        *,
        model: str = "all-MiniLM-L6-v2",
        dtype: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto",
        device: Device = "auto",
        runtime: Literal["auto", "torch", "openvino"] = "auto",
        max_tokens: Annotated[int, Field(ge=16)] | None = None,
        layers: Annotated[int, Field(ge=1)] | None = None,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
        download: bool = False,
    ) -> None:
        self._name = model
        self._dtype = dtype
        self._device = device
        self._runtime = runtime
        self._max_tokens = max_tokens
        self._layers = layers
        self._given_prompts = {"query": query_prompt, "document": passage_prompt}
        self._download = download
        self._lock = threading.Lock()

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """OpenVINO is for processors, and 8 bits for OpenVINO."""
        return runtime_faults(options)

    @classmethod
    def max_tokens_of(cls, options: Mapping[str, Any]) -> int | None:
        """Tokens of a passage that the model will read; None where it is not on this machine."""
        try:
            return cls(**options).tokenizer.limit
        except (ModelError, OSError):
            return None

    @cached_property
    def files(self) -> ModelFiles:
        """Where the model is."""
        return find_model(self._name, download=self._download)

    @cached_property
    def tokenizer(self) -> ModelTokenizer:
        """The tokenizer of passages."""
        return ModelTokenizer(self.files.folder, self._length, self._prompt("document"))

    @cached_property
    def _weights(self) -> str:
        """SHA-256 of the weights, which are checked before they are used."""
        return self.files.weights()

    @cached_property
    def fingerprint(self) -> str:
        """Made of the weights, every setting file of the model, and the options that count.

        That is the `dtype` as it is declared: what `auto` comes to may differ from one machine
        to the next.
        """
        prompts = list(self._given_prompts.values())
        return _digest([*self._files_digest, prompts, self._length, self._dtype])

    @cached_property
    def _files_digest(self) -> list[Any]:
        """The weights and every setting file."""
        depth = [] if self._depth is None else [self._depth]
        return [self._weights, settings(self.files.folder), *depth]

    @property
    def precision(self) -> str:
        """What it computes in: float32, bfloat16, float16 or int8. Loads the model."""
        return self._backend.precision

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return self._backend.dimension

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one."""
        return self._backend.vectors(texts, "document")

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The same for questions, with their prompt."""
        return self._backend.vectors(texts, "query")

    def encode_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """Tokens of passages: see `rag.protocols.TokenEncoder`.

        Those of some 16,000 tokens are in memory at a time. Raises RequestError where the model
        does not pool by the mean.
        """
        return self._backend.tokens(texts, "document")

    def encode_query_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """The same for questions, with their prompt, whose tokens stand nowhere in the text."""
        return self._backend.tokens(texts, "query")

    def pooled(self, means: Vectors) -> Vectors:
        """What follows the mean: `(n, dimension of tokens)` to `(n, dimension)`, unit rows."""
        return self._backend.pooled(means)

    @cached_property
    def _settings(self) -> ModelSettings:
        return ModelSettings(self.files.folder)

    @cached_property
    def _depth(self) -> int | None:
        """How many layers are run; None for all."""
        if self._layers is not None and self._layers not in self._settings.depths:
            known = ", ".join(map(str, self._settings.depths)) or "none, so leave it out"
            raise RequestError(
                f"index.encode.layers is {self._layers}, and model '{self._name}' was not trained "
                f"to be read after so many layers (declared: {known})"
            )
        return self._layers

    @cached_property
    def _length(self) -> int:
        """The tokens that are read in all."""
        if self._max_tokens is not None and self._max_tokens > self._settings.longest:
            raise RequestError(
                f"index.encode.max_tokens: model '{self._name}' reads {self._settings.longest} "
                f"tokens, not {self._max_tokens}"
            )
        return self._max_tokens or self._settings.length

    def _prompt(self, task: Task) -> str:
        given = self._given_prompts[task]
        return self._settings.prompt(task) if given is None else given

    @property
    def _backend(self) -> Backend:
        with self._lock:
            return self._loaded

    @cached_property
    def _loaded(self) -> Backend:
        prompts: dict[Task, str] = {task: self._prompt(task) for task in ("query", "document")}
        spec = ModelSpec(
            self._name, self.files.folder, self._length, prompts, self.tokenizer, self._depth
        )
        return load_backend(
            spec, _digest(self._files_digest), self._runtime, self._dtype, self._device
        )


def _digest(record: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(record).encode()).hexdigest()
