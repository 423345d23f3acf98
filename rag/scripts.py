"""Scripts that need care: those written without spaces, and letters with combining marks."""

from __future__ import annotations

import regex

# Character classes for patterns of the regex library.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
PAIRED = UNSPACED + r"\p{Hangul}"

_CAREFUL = regex.compile(rf"[{PAIRED}\p{{M}}]")


def plain(text: str) -> bool:
    """Whether the words of `text` are simply its runs of letters and digits.

    The standard library's patterns then find the same words as Unicode's rules, much faster.
    """
    return text.isascii() or _CAREFUL.search(text) is None
