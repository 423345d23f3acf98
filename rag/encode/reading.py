"""Texts as the tokens that a model reads: as the sentence-transformers library gives them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.runtime.graph import Array
from rag.runtime.padding import Side, padded

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

# Texts whose tokens are in memory as objects together; arrays of numbers are kept of them.
_GROUP = 64


@dataclass(frozen=True, slots=True)
class Read:
    """A text's tokens: their numbers and kinds, the characters of each, and how many are prompt.

    `spans` counts characters of the prompt too.
    """

    ids: Array
    kinds: Array
    spans: list[tuple[int, int]]
    prompt: int

    def __len__(self) -> int:
        return len(self.ids)


class Reader:
    """Reads `length` tokens of each text behind `prompt`, special ones among them."""

    def __init__(self, tokenizer: Tokenizer, length: int, prompt: str) -> None:
        self._tokenizer = tokenizer
        self._prompt = prompt
        self._most = length - tokenizer.num_special_tokens_to_add(is_pair=False)
        self._prompt_tokens = self._leading() if prompt else 0

    def read(self, texts: Sequence[str], *, spans: bool = False) -> Iterator[Read]:
        """Each text in order, with `spans` where they are asked for."""
        encode = self._tokenizer.encode_batch if spans else self._tokenizer.encode_batch_fast
        for start in range(0, len(texts), _GROUP):
            given = [self._prompt + text for text in texts[start : start + _GROUP]]
            for one in encode(given, add_special_tokens=False):
                yield self._finished(one, spans)

    def _finished(self, one: Encoding, spans: bool) -> Read:
        one.truncate(self._most)
        whole = self._tokenizer.post_process(one)
        ids, kinds = np.array(whole.ids, np.int64), np.array(whole.type_ids, np.int64)
        return Read(ids, kinds, whole.offsets if spans else [], self._prompt_tokens)

    def _leading(self) -> int:
        """Tokens of the prompt with the special ones before it, as the library counts them."""
        whole = self._tokenizer.encode(self._prompt)
        return len(whole.ids) - (whole.special_tokens_mask[-1:] == [1])


@dataclass(frozen=True, slots=True)
class Padding:
    """What rows of a batch are filled with until all are of one length, and on which side."""

    token: int
    side: Side

    @classmethod
    def of(cls, folder: Path, tokenizer: Tokenizer) -> Padding:
        """That of the model in `folder`, as its files say it."""
        settings = _json(folder / "tokenizer_config.json")
        side: Side = "left" if settings.get("padding_side") == "left" else "right"
        return cls(_padding_token(folder, settings, tokenizer), side)

    def batch(self, rows: Sequence[Read], length: int) -> dict[str, Array]:
        """Arrays `(len(rows), length)` of int64: numbers, kinds, what is read, what is pooled."""
        whole = [np.ones(len(row), np.int64) for row in rows]
        return {
            "input_ids": padded([row.ids for row in rows], length, self.token, self.side),
            "token_type_ids": padded([row.kinds for row in rows], length, 0, self.side),
            "attention_mask": padded(whole, length, 0, self.side),
        }

    def without_prompts(self, read: Array, rows: Sequence[Read]) -> Array:
        """Of what is read, what is pooled by a model that leaves the prompt out."""
        pooled = read.copy()
        for number, row in enumerate(rows):
            first = 0 if self.side == "right" else read.shape[1] - len(row)
            pooled[number, first : first + row.prompt] = 0
        return pooled


def _padding_token(folder: Path, settings: dict[str, Any], tokenizer: Tokenizer) -> int:
    for found in (settings, _json(folder / "special_tokens_map.json")):
        token = found.get("pad_token")
        content = token.get("content") if isinstance(token, dict) else token
        number = tokenizer.token_to_id(content) if isinstance(content, str) else None
        if number is not None:
            return int(number)
    return int(_json(folder / "config.json").get("pad_token_id") or 0)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
