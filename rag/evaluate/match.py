"""How near an answer's words are to right ones: exact match and F1, as SQuAD has them.

Rajpurkar et al., 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text", and 2018
for questions without an answer. Both measures compare words between spaces, less case,
punctuation and English articles; the best of several right answers counts.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def words(text: str) -> list[str]:
    """The words that are compared."""
    plain = text.lower().translate(_NO_PUNCTUATION)
    return _ARTICLES.sub(" ", plain).split()


def exact(said: str, right: Sequence[str]) -> float:
    """1 where `said` has just the words of one of `right`, else 0.

    Without right answers 1 where nothing is said.
    """
    given = words(said)
    return float(any(given == words(one) for one in right or ("",)))


def f1(said: str, right: Sequence[str]) -> float:
    """The harmonic mean of precision and recall of words, from 0 to 1, for the best of `right`.

    Where either side has no words, 1 if both have none, else 0.
    """
    given = words(said)
    return max(_f1(given, words(one)) for one in right or ("",))


def _f1(said: Sequence[str], right: Sequence[str]) -> float:
    if not said or not right:
        return float(not said and not right)
    shared = (Counter(said) & Counter(right)).total()
    return 2 * shared / (len(said) + len(right))
