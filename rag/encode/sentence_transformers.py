"""Encoders from the sentence-transformers library: any of its models, by name or folder."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from rag.encode.batches import batches, filled, step, stretches
from rag.encode.loading import load_model
from rag.encode.pooling import MeanPooling, unit
from rag.encode.settings import ModelSettings, Task
from rag.encode.tokens import ModelTokenizer
from rag.errors import ModelError, RequestError
from rag.models import ModelFiles, find_model
from rag.protocols import TokenVectors, Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class SentenceTransformersEncoder:
    """A sentence-transformers model: the 384-dimensional all-MiniLM-L6-v2 unless another is named.

    `model` is a folder, a model carried by an installed package, or a name on the hub, which
    is asked only with `download: true`. `max_tokens` is how much of a text is read: what the
    model declares, unless it is given, and at most a token for each position that the model
    has (all-MiniLM-L6-v2 declares 256 and has 512). Prompts default to the model's own. Texts
    of similar length are encoded together, in batches of such shapes that a passage's vector
    has the same bits whatever is encoded with it (measured for all-MiniLM-L6-v2 on a
    processor); vectors are brought to length one in single precision whatever `dtype` the
    model runs in. Models that pool by the mean give the vectors of their tokens too, for late
    chunking.
    """

    circumstances: ClassVar[frozenset[str]] = frozenset({"device", "download"})

    def __init__(
        self,
        *,
        model: str = "all-MiniLM-L6-v2",
        dtype: Literal["float32", "bfloat16", "float16"] = "float32",
        device: Literal["auto", "cpu", "cuda"] = "auto",
        max_tokens: Annotated[int, Field(ge=16)] | None = None,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
        download: bool = False,
    ) -> None:
        self._name = model
        self._dtype = dtype
        self._device = device
        self._max_tokens = max_tokens
        self._given_prompts = {"query": query_prompt, "document": passage_prompt}
        self._download = download
        self._lock = threading.Lock()

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
        """Made of the weights, every setting file of the model, and the options that count."""
        folder = self.files.folder
        settings = [
            (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
            for path in sorted(folder.rglob("*.json"))
        ]
        prompts = list(self._given_prompts.values())
        record = [self._weights, settings, prompts, self._length, self._dtype]
        return hashlib.sha256(json.dumps(record).encode()).hexdigest()

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one."""
        return self._encode(texts, "document")

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The same for questions, with their prompt."""
        return self._encode(texts, "query")

    def encode_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """Tokens of passages: see `rag.protocols.TokenEncoder`.

        Those of some 16,000 tokens are in memory at a time. Raises RequestError where the model
        does not pool by the mean.
        """
        _ = self._pooling
        lengths = self._lengths(texts)
        return (
            one
            for some in stretches(lengths)
            for one in self._tokens(
                [texts[n] for n in some], [lengths[n] for n in some], "document"
            )
        )

    def encode_query_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """The same for questions, with their prompt, whose tokens stand nowhere in the text."""
        _ = self._pooling
        return (
            one for text in texts for one in self._tokens([text], self._lengths([text]), "query")
        )

    def pooled(self, means: Vectors) -> Vectors:
        """What follows the mean: `(n, dimension of tokens)` to `(n, dimension)`, unit rows."""
        if not len(means):
            return np.empty((0, self.dimension), np.float32)
        return unit(self._pooling.pooled(means)[:, : self.dimension])

    def _encode(self, texts: Sequence[str], task: Task) -> Vectors:
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for batch, length in batches(self._lengths(texts), self._length):
            # A question is always encoded alone, and somebody waits for it.
            given = [texts[n] for n in batch]
            rows = given if task == "query" else filled(given, length)
            vectors[batch] = self._run(rows, task)[: len(batch)]
        return unit(vectors)

    def _tokens(
        self, texts: Sequence[str], lengths: Sequence[int], task: Task
    ) -> list[TokenVectors]:
        prompt = len(self._prompt(task))
        extra = {"return_offsets_mapping": True}
        found: dict[int, TokenVectors] = {}
        for batch, length in batches(lengths, self._length):
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
            prompt=self._prompt(task),
            batch_size=len(texts),
            show_progress_bar=False,
            output_value=output,
            processing_kwargs={"text": {"pad_to_multiple_of": step(self._length), **text}},
        )

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, of which the model reads no more than its length."""
        return [min(one + 2, self._length) for one in self.tokenizer.lengths(texts)]

    @cached_property
    def _settings(self) -> ModelSettings:
        return ModelSettings(self.files.folder)

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

    @cached_property
    def _pooling(self) -> MeanPooling:
        return MeanPooling(self._model, self._name)

    @property
    def _model(self) -> SentenceTransformer:
        with self._lock:
            return self._loaded

    @cached_property
    def _loaded(self) -> SentenceTransformer:
        _ = self._weights
        return load_model(self._name, self.files.folder, self._dtype, self._device, self._length)
