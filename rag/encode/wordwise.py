"""Tokens counted word by word, for tokenizers that look at one word at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tokenizers

# A word takes the spaces and line ends before it along; other white space is a part of it.
_WORD = re.compile(r"[ \n]*[^ \n]+|[ \n]+")
_SPLITTERS = frozenset(
    ["BertPreTokenizer", "ByteLevel", "Metaspace", "Punctuation", "Digits", "Whitespace",
     "WhitespaceSplit"]
)  # fmt: skip
_NORMALIZERS = frozenset(
    ["BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Precompiled", "Replace",
     "Strip", "StripAccents"]
)  # fmt: skip
_SPACES = {"Regex": " {2,}"}
# Words beyond these are counted each time: they are rare, and memory is bounded.
_LONGEST = 40
_MOST = 200_000


class WordCounts:
    """Counts texts by their words, and remembers each word's count.

    Exact for tokenizers that `wordwise` says yes to. May be used from several threads.
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, int] = {}

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text."""
        split = [_WORD.findall(text) for text in texts]
        known = self._known
        try:
            return [sum(map(known.__getitem__, words)) for words in split]
        except KeyError:
            rare = self._learn(known, split)
        if not rare:
            return [sum(map(known.__getitem__, words)) for words in split]
        return [sum(rare[w] if w in rare else known[w] for w in words) for words in split]

    def _learn(self, known: dict[str, int], split: Sequence[Sequence[str]]) -> dict[str, int]:
        """Count the words of `split` that are not in `known`; those not to be kept are given."""
        new = list({word for words in split for word in words if word not in known})
        encoded = self._tokenizer.encode_batch_fast(new, add_special_tokens=False)
        rare: dict[str, int] = {}
        for word, one in zip(new, encoded, strict=True):
            (known if len(word) <= _LONGEST else rare)[word] = len(one)
        if len(known) > _MOST:
            # Others may still be counting with the old ones.
            self._known = {}
        return rare


def wordwise(tokenizer: tokenizers.Tokenizer) -> bool:
    """Whether the tokens of any text are those of its words, one word after the other.

    So it is where spaces and line ends always part what the model sees, and nothing that comes
    before the model looks beyond them. What is not known to be so counts as not so.
    """
    steps = [*_parts(tokenizer.normalizer), *_parts(tokenizer.pre_tokenizer)]
    if tokenizer.pre_tokenizer is None or not all(map(_stays_within_words, steps)):
        return False
    if not all(_parts_words(tokenizer, mark) for mark in " \n"):
        return False
    added = tokenizer.get_added_tokens_decoder().values()
    return not any(one.rstrip or re.search(r"[^ \n][ \n]", one.content) for one in added)


def _parts(step: Any) -> Iterator[dict[str, Any]]:
    """The settings of a normalizer or pre-tokenizer, or of each in a sequence of them."""
    waiting = [json.loads(step.__getstate__())] if step is not None else []
    while waiting:
        found = waiting.pop()
        inner = found.get("normalizers") or found.get("pretokenizers")
        if inner is None:
            yield found
        else:
            waiting.extend(inner)


def _stays_within_words(step: dict[str, Any]) -> bool:
    kind = step["type"]
    if kind == "Replace":
        return bool(step["pattern"] == _SPACES)
    if kind == "Strip":
        return not step["strip_left"]
    if kind == "ByteLevel":
        # One that splits nothing is the last of a sequence, whose parts are judged alone.
        return not step["add_prefix_space"] and bool(step.get("use_regex", True))
    return kind in _SPLITTERS or kind in _NORMALIZERS


def _parts_words(tokenizer: tokenizers.Tokenizer, mark: str) -> bool:
    """Whether `mark` between two letters parts them, and is no part of the first."""
    text = f"a{mark}b"
    normal = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
    pieces = tokenizer.pre_tokenizer.pre_tokenize_str(normal) if tokenizer.pre_tokenizer else []
    return len(pieces) > 1 and len(pieces[0][0].lstrip("▁")) == 1
