"""Words in place of tokens, where a pipeline has no encoder whose tokens could be counted."""

from __future__ import annotations

import regex

# One for each word, number, mark, and each character of the scripts written without spaces.
_WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*"
    r"|(?:(?![\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])\w)+|[^\w\s]"
)


class WordTokenizer:
    """Counts words and marks: see `rag.protocols.Tokenizer`."""

    @property
    def limit(self) -> int:
        """No encoder sets a limit; passages longer than this would not be passages."""
        return 8_192

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Span of each word or mark."""
        return [match.span() for match in _WORD.finditer(text)]
