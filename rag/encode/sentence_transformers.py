"""Encoders from the sentence-transformers library: any of its models, by name or folder."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from rag.encode.models import ModelFiles, find_model
from rag.encode.tokens import ModelTokenizer
from rag.errors import ModelError, RagError, RequestError
from rag.protocols import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Tokens, padding included, that go through the model together: large enough to fill the
# processor, small enough to stay in its caches. benchmarks/indexing.py has the measurement.
_BATCH_TOKENS = 4_096
# On a processor the bits of a vector depend on the shape of its batch, unless lengths fill whole
# vector registers and there are rows enough that no thread takes a part of a sum.
_ALIGNED = 16
_LEAST_TOKENS = 512
_DEFAULT_LENGTH = 512


class SentenceTransformersEncoder:
    """A sentence-transformers model: the 384-dimensional all-MiniLM-L6-v2 unless another is named.

    `model` is a folder, a model carried by an installed package, or a name on the hub, which
    is asked only with `download: true`. `max_tokens` shortens what is read. Prompts default to
    the model's own. Texts of similar length are encoded together, in batches of such shapes
    that a passage's vector has the same bits whatever is encoded with it (measured for
    all-MiniLM-L6-v2 on a processor); vectors are brought to length one in single precision
    whatever `dtype` the model runs in.
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
        self._query_prompt = query_prompt
        self._passage_prompt = passage_prompt
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
        prompt = self._prompt("document", self._passage_prompt)
        return ModelTokenizer(self.files.folder, self._length, prompt)

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
        prompts = [self._query_prompt, self._passage_prompt]
        record = [self._weights, settings, prompts, self._length, self._dtype]
        return hashlib.sha256(json.dumps(record).encode()).hexdigest()

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one."""
        return self._encode(texts, "document", self._passage_prompt)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The same for questions, with their prompt."""
        return self._encode(texts, "query", self._query_prompt)

    def _encode(self, texts: Sequence[str], task: str, prompt: str | None) -> Vectors:
        model = self._model
        encode = model.encode_query if task == "query" else model.encode_document
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for batch, length in self._batches(texts):
            # A question is always encoded alone, and somebody waits for it.
            least = 0 if task == "query" else -(-_LEAST_TOKENS // length)
            filled = batch + batch[:1] * (least - len(batch))
            vectors[batch] = encode(
                [texts[position] for position in filled],
                prompt=prompt,
                batch_size=len(filled),
                show_progress_bar=False,
                processing_kwargs={"text": {"pad_to_multiple_of": self._step}},
            )[: len(batch)]
        return _unit(vectors)

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], int]]:
        """Positions in batches of similar length, longest first, each with its padded length."""
        lengths = np.minimum(np.array(self.tokenizer.lengths(texts), np.int64) + 2, self._length)
        lengths = -(-lengths // self._step) * self._step
        batch: list[int] = []
        for position in np.argsort(-lengths, kind="stable").tolist():
            if batch and (len(batch) + 1) * int(lengths[batch[0]]) > _BATCH_TOKENS:
                yield batch, int(lengths[batch[0]])
                batch = []
            batch.append(position)
        if batch:
            yield batch, int(lengths[batch[0]])

    @property
    def _step(self) -> int:
        """What padded lengths are multiples of: never beyond what the model reads."""
        return 1 if self._length % _ALIGNED else _ALIGNED

    @cached_property
    def _settings(self) -> dict[str, Any]:
        folder = self.files.folder
        found: dict[str, Any] = {}
        for name in ("config.json", "tokenizer_config.json", "sentence_bert_config.json",
                     "config_sentence_transformers.json"):  # fmt: skip
            if (folder / name).is_file():
                found[name] = _read_json(folder / name)
        return found

    @cached_property
    def _length(self) -> int:
        """The tokens that the model reads in all, as it declares."""
        declared = (
            self._settings.get("sentence_bert_config.json", {}).get("max_seq_length"),
            self._settings.get("tokenizer_config.json", {}).get("model_max_length"),
            self._settings.get("config.json", {}).get("max_position_embeddings"),
        )
        length = next((int(n) for n in declared if n and n < 1_000_000), _DEFAULT_LENGTH)
        if self._max_tokens is not None and self._max_tokens > length:
            raise RequestError(
                f"index.encode.max_tokens: model '{self._name}' reads {length} tokens, "
                f"not {self._max_tokens}"
            )
        return self._max_tokens or length

    def _prompt(self, task: str, given: str | None) -> str:
        if given is not None:
            return given
        settings = self._settings.get("config_sentence_transformers.json", {})
        prompts: dict[str, str] = settings.get("prompts") or {}
        return prompts.get(task) or prompts.get(settings.get("default_prompt_name") or "") or ""

    @property
    def _model(self) -> SentenceTransformer:
        with self._lock:
            return self._loaded

    @cached_property
    def _loaded(self) -> SentenceTransformer:
        _ = self._weights
        try:
            return _load(self.files.folder, self._dtype, self._device, self._length)
        except RagError:
            raise
        except Exception as error:
            first = (str(error) or type(error).__name__).splitlines()[0]
            raise ModelError(f"model '{self._name}' cannot be loaded: {first}") from error


def _load(folder: Path, dtype: str, device: str, length: int) -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    if device == "cuda" and not torch.cuda.is_available():
        raise RequestError("index.encode.device: no CUDA device here; use 'auto' or 'cpu'")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model = SentenceTransformer(
            str(folder),
            device=None if device == "auto" else device,
            local_files_only=True,
            model_kwargs={"dtype": getattr(torch, dtype)},
        )
    finally:
        if shown:
            logging.enable_progress_bar()
    model.max_seq_length = length
    return model


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    return scaled


def _read_json(path: Path) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError:
        raise ModelError(f"'{path}' is not JSON: the model's folder is damaged") from None
    return settings
