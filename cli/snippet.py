"""The part of a passage that a list of results shows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.cli.output import one_line

LENGTH = 240

_WORD = re.compile(r"\w{2,}")
_MOST_WORDS = 50


def matcher(question: str) -> re.Pattern[str]:
    """Finds the words of `question` in a text, in any case."""
    words = list(dict.fromkeys(_WORD.findall(question.lower())))[:_MOST_WORDS]
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})\b", re.I)


def snippet(text: str, words: re.Pattern[str], length: int = LENGTH) -> str:
    """About `length` characters of `text` on one line, where most matches stand together."""
    line = one_line(text)
    if len(line) <= length:
        return line
    start = _densest([match.start() for match in words.finditer(line)], length)
    start = max(0, min(start - length // 8, len(line) - length))
    end = start + length
    # Whole words only, unless a word is longer than the space there is.
    if start and (space := line.find(" ", start, start + 30)) >= 0:
        start = space + 1
    if end < len(line) and (space := line.rfind(" ", end - 30, end)) >= 0:
        end = space
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")


def _densest(starts: Sequence[int], length: int) -> int:
    """The first of `starts` that most others follow within `length`; 0 where there is none."""

    def following(start: int) -> int:
        return sum(start <= other < start + length * 3 // 4 for other in starts)

    return max(starts, key=following, default=0)
