"""The tokenizer of a model, without loading the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.encode.wordwise import WordCounts, wordwise
from rag.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    import tokenizers


class ModelTokenizer:
    """Counts text as a model in `folder` does: see `rag.protocols.Tokenizer`.

    `max_length` is what the model reads in all; special tokens and `prompt` take their share.
    """

    def __init__(self, folder: Path, max_length: int, prompt: str = "") -> None:
        self._tokenizer = _load(folder)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        self._limit = max_length - special - len(self.spans(prompt))
        self._words = WordCounts(self._tokenizer) if wordwise(self._tokenizer) else None

    @property
    def whole(self) -> tokenizers.Tokenizer:
        """The library's own tokenizer, which cuts and pads nothing. Threads may share it."""
        return self._tokenizer

    @property
    def limit(self) -> int:
        """The most tokens of a passage's text that the encoder reads."""
        return self._limit

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token of `text`."""
        offsets: list[tuple[int, int]] = self._tokenizer.encode(
            text, add_special_tokens=False
        ).offsets
        return offsets

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text; those of words are remembered."""
        if self._words is not None:
            return self._words.lengths(texts)
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(one.ids) for one in encoded]


def _load(folder: Path) -> tokenizers.Tokenizer:
    from tokenizers import Tokenizer

    file = folder / "tokenizer.json"
    if file.is_file():
        return Tokenizer.from_file(str(file))
    from transformers import AutoTokenizer

    # Without the last the library asks on standard output whether to run a model's own code.
    slow = AutoTokenizer.from_pretrained(
        str(folder), local_files_only=True, trust_remote_code=False
    )
    backend = getattr(slow, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise ModelError(f"the model in '{folder}' has no tokenizer that gives character offsets")
    return backend
