"""A reply that says the same again and again, noticed while it comes."""

from __future__ import annotations

from collections import Counter

# How often a sentence may stand in a reply.
_TIMES = 3
# A run is repeated text from so many characters on, and from so many repetitions.
_RUN, _REPEATS = 240, 4
_LONGEST_PERIOD = 160
_EVERY = 32


class Repetition:
    """Counts sentences, and looks for a short run of characters at the end of the text."""

    def __init__(self) -> None:
        self._sentences: Counter[str] = Counter()
        self._tail = ""
        self._new = 0

    def again(self, sentence: str) -> bool:
        """Whether `sentence` was said before more often than anybody does."""
        key = " ".join(sentence.casefold().split())
        self._sentences[key] += 1
        return len(key) >= 12 and self._sentences[key] >= _TIMES

    def runs(self, character: str) -> bool:
        """Whether the text up to `character` ends with a run that repeats itself."""
        self._tail = (self._tail + character)[-4 * _LONGEST_PERIOD :]
        self._new += 1
        if self._new < _EVERY:
            return False
        self._new = 0
        return any(self._has_period(size) for size in range(1, _LONGEST_PERIOD + 1))

    def _has_period(self, size: int) -> bool:
        wanted = max(_RUN, _REPEATS * size)
        end = self._tail[-wanted:]
        return len(end) == wanted and end[size:] == end[:-size] and not end.isspace()
