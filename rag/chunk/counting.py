"""Tokens counted and found for a chunker, at the least cost that the tokenizer offers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from rag.protocols import CountingTokenizer, Tokenizer
from rag.types import Document

_LONE = re.compile("[\ud800-\udfff]")


class Counter:
    """Counts the tokens of texts: as many as `Tokenizer.spans` finds, always."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        # Asking a protocol takes longer than a short document has.
        counts = callable(getattr(tokenizer, "lengths", None))
        self._counts = cast(CountingTokenizer, tokenizer).lengths if counts else None

    @property
    def limit(self) -> int:
        """The most tokens of a passage, with its context, that the encoder reads."""
        return self._tokenizer.limit

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token, ascending."""
        return self._tokenizer.spans(text)

    def counts(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text."""
        if self._counts is not None:
            return self._counts(texts)
        return [len(self._tokenizer.spans(text)) for text in texts]

    def count(self, text: str) -> int:
        """The number of tokens of `text`."""
        return self.counts([text])[0]


def readable(document: Document) -> Document:
    """`document`, or the same with U+FFFD for halves of surrogate pairs, which are no characters.

    Neither tokenizers nor segmenters take them. Offsets stay, so that a passage can still be
    cut from the text as it was.
    """
    title, text = _LONE.sub("\ufffd", document.title), document.text
    if not text.isascii():
        text = _LONE.sub("\ufffd", text)
    same = text == document.text and title == document.title
    return document if same else replace(document, text=text, title=title)
