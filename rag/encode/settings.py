"""What the files beside a model's weights say: how long a text it reads, and its prompts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rag.errors import ModelError

Task: TypeAlias = Literal["query", "document"]

_FILES = (
    "config.json",
    "tokenizer_config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
)
_DEFAULT_LENGTH = 512
# What tokenizers write where they know no limit is far beyond this.
_NO_LENGTH = 1_000_000
# Kinds of model whose first position is the one after that of padding.
_PADDED_POSITIONS = frozenset(
    (
        "camembert", "data2vec-text", "esm", "ibert", "longformer", "luke", "mpnet", "roberta",
        "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod",
    )
)  # fmt: skip


class ModelSettings:
    """The settings of the model in `folder`. Raises ModelError where a file is not JSON."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def length(self) -> int:
        """The tokens that the model reads in all, as it declares."""
        declared = (
            self._file("sentence_bert_config.json").get("max_seq_length"),
            self._file("tokenizer_config.json").get("model_max_length"),
            self._positions,
        )
        return next((int(n) for n in declared if n and n < _NO_LENGTH), _DEFAULT_LENGTH)

    @cached_property
    def longest(self) -> int:
        """The most tokens that the model can read: one for each position that it has."""
        return max(self.length, self._positions or 0)

    @property
    def _positions(self) -> int | None:
        """The positions that tokens can have; None where the model does not say."""
        config = self._file("config.json")
        positions = config.get("max_position_embeddings")
        if not isinstance(positions, int) or not 0 < positions < _NO_LENGTH:
            return None
        if config.get("model_type") in _PADDED_POSITIONS:
            return positions - int(config.get("pad_token_id") or 0) - 1
        return positions

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """After how many layers the model's vectors may be taken, as it declares; often nothing.

        Models are trained for it (2D Matryoshka embeddings, Li et al. 2024), and say so by
        `matryoshka_layers` in `config_sentence_transformers.json`.
        """
        declared = self._file("config_sentence_transformers.json").get("matryoshka_layers")
        return tuple(declared) if isinstance(declared, list) else ()

    def prompt(self, task: Task) -> str:
        """What the model wants said before a text of this kind, as the library takes it."""
        settings = self._file("config_sentence_transformers.json")
        prompts: dict[str, str] = settings.get("prompts") or {}
        return prompts.get(task) or ""

    def _file(self, name: str) -> dict[str, Any]:
        return self._files.get(name, {})

    @cached_property
    def _files(self) -> dict[str, dict[str, Any]]:
        return dict(self._read())

    def _read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for path in (self._folder / name for name in _FILES):
            if path.is_file():
                try:
                    yield path.name, json.loads(path.read_bytes())
                except ValueError:
                    message = f"'{path}' is not JSON: the model's folder is damaged"
                    raise ModelError(message) from None
