"""Whether a word that is nowhere else could be a word, judged by its letters."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from rag.prune.alphabet import unspaced

# Fewer words than this say too little about how words are spelled.
_LEAST = 500
_BEFORE, _AFTER = "\x02\x02", "\x03"
_STRENGTH = 5.0  # of the prior, in letters
_RARE = 3  # times that a letter has to be met before its words can be judged
# The shares of real words that are spelled at no more bits than the limits.
_STRICT, _LENIENT = 0.75, 0.95


class Spelling:
    """Letters in threes, learnt from half of the words that are known, with limits from the rest.

    Each letter is predicted from the two before it; orders are interpolated with Dirichlet
    priors (MacKay and Peto, A hierarchical Dirichlet language model, 1995).
    """

    strict = lenient = 1.0
    """Bits for each letter that 75% and 95% of known words need at most."""

    def __init__(self, known: Sequence[str]) -> None:
        words = [word for word in known if not unspaced(word)]
        self._judging = len(words) >= _LEAST
        if self._judging:
            self._costs = _Costs(words[::2])
            held_out = sorted(map(self._bits, words[1::2]))
            self.strict = held_out[int(_STRICT * len(held_out))]
            self.lenient = held_out[int(_LENIENT * len(held_out))]

    def bits(self, word: str) -> float:
        """Bits for each letter of `word`; 0 where that cannot be judged."""
        if not self._judging or unspaced(word) or not self._costs.can_judge(word):
            return 0.0
        return self._bits(word)

    def _bits(self, word: str) -> float:
        padded = _BEFORE + word + _AFTER
        costs = self._costs
        return sum(costs[padded[at : at + 3]] for at in range(len(word) + 1)) / (len(word) + 1)


class _Costs(dict[str, float]):
    """Bits of the last of three letters after the first two."""

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__()
        self._threes: Counter[str] = Counter()
        self._twos: Counter[str] = Counter()
        self._ones: Counter[str] = Counter()
        for word in words:
            padded = _BEFORE + word + _AFTER
            self._threes.update(padded[at : at + 3] for at in range(len(padded) - 2))
            self._twos.update(padded[at : at + 2] for at in range(len(padded) - 1))
            self._ones.update(padded)
        self._total = sum(self._ones.values())
        self._prior = float(len(self._ones))

    def can_judge(self, word: str) -> bool:
        """Whether the letters of `word` are those of a known alphabet."""
        ones = self._ones
        return all(ones[letter] >= _RARE or not letter.isalpha() for letter in word)

    def __missing__(self, three: str) -> float:
        one = (self._ones[three[2]] + 1) / (self._total + self._prior + 1)
        two = self._after(self._twos[three[1:]], self._ones[three[1]], one)
        chance = self._after(self._threes[three], self._twos[three[:2]], two)
        found = self[three] = -math.log2(chance)
        return found

    def _after(self, together: int, before: int, lower: float) -> float:
        return (together + _STRENGTH * lower) / (before + _STRENGTH)
