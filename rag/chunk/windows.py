"""Windows over a text that is longer than the encoder reads, each beginning within the last."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.chunk.counting import Counter
from rag.protocols import Tokenizer

# Characters of a window at most: a run of space, or one without, has no end of its own.
_LONGEST = 100_000
# Characters first looked at for each token of a window, doubled until they hold enough.
_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class Window:
    """Characters `start` to `end` of a text; what comes before `new` was in the window before.

    `first` and `last` are the windows that the text begins and ends with.
    """

    start: int
    end: int
    new: int
    first: bool
    last: bool


def windows(text: str, tokenizer: Tokenizer, size: int, overlap: int) -> Iterator[Window]:
    """Windows of at most `size` tokens that cover all of `text` but the space around it.

    Each begins with the last tokens of the one before it, some `overlap` of them, and at the
    start of a word where there is one (the long variant of late chunking, Günther et al. 2024).
    They depend on the text alone. A single character is not cut, whatever it has.
    """
    cutter = _Cutter(text, tokenizer, size)
    start = new = first = len(text) - len(text.lstrip())
    while new < cutter.last:
        tokens = cutter.tokens(start)
        end = cutter.end(start, tokens)
        if end <= new:
            # What was in the window before fills this one alone.
            start = new
            continue
        yield Window(start, end, new, start == first, end == cutter.last)
        start, new = cutter.back(start, end, tokens, overlap), end


class _Cutter:
    def __init__(self, text: str, tokenizer: Tokenizer, size: int) -> None:
        self._text = text
        self._tokenizer = Counter(tokenizer)
        self._size = size
        self.last = len(text.rstrip())

    def tokens(self, start: int) -> list[int]:
        """Where tokens begin from `start` on: more than a window's where there are so many."""
        length = self._size * _CHARACTERS
        while True:
            end = min(start + length, start + _LONGEST, self.last)
            tokens = [start + a for a, _ in self._tokenizer.spans(self._text[start:end])]
            # The last word may go on behind the end.
            if len(tokens) > self._size + 1 or end == self.last or length >= _LONGEST:
                return tokens
            length *= 2

    def end(self, start: int, tokens: Sequence[int]) -> int:
        """Where a window that starts at `start` ends: before the token that is one too many."""
        most = self._size
        while True:
            end = min(self.last, start + _LONGEST)
            if len(tokens) > most:
                end = max(start + 1, self._word(tokens, most))
            # Part of a word can have more tokens than it had in the whole.
            beyond = self._tokenizer.count(self._text[start:end]) - self._size
            if beyond <= 0 or end == start + 1:
                return end
            most = max(0, min(most, len(tokens) - 1) - beyond)

    def back(self, start: int, end: int, tokens: Sequence[int], overlap: int) -> int:
        """Where the window begins that comes after one from `start` to `end`."""
        count = bisect_left(tokens, end)
        if not overlap or count <= overlap:
            return end
        found = self._word(tokens, count - overlap)
        return found if start < found < end else end

    def _word(self, tokens: Sequence[int], position: int) -> int:
        """The start of the last word among tokens up to `position`, or else that token's own."""
        for start in reversed(tokens[max(1, position - position // 8) : position + 1]):
            if self._text[start - 1].isspace() or self._text[start].isspace():
                return start
        return tokens[position]
