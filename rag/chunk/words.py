"""Words in place of tokens, where a pipeline has no encoder whose tokens could be counted."""

from __future__ import annotations

import re

import regex

from rag.scripts import UNSPACED, plain

_PLAIN = re.compile(r"\w+|[^\w\s]")
# One for each word, number, mark, and each character of the scripts written without spaces.
_ANY = regex.compile(rf"[{UNSPACED}]\p{{M}}*|(?:(?![{UNSPACED}])\w)+|[^\w\s]")


class WordTokenizer:
    """Counts words and marks: see `rag.protocols.Tokenizer`."""

    @property
    def limit(self) -> int:
        """No encoder sets a limit; passages longer than this would not be passages."""
        return 8_192

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Span of each word or mark."""
        pattern = _PLAIN if plain(text) else _ANY
        return [match.span() for match in pattern.finditer(text)]
