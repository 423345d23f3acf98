"""The terms that a passage shares with the question, and what each adds to its BM25 score."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rag.arms import texts_of
from rag.protocols import View
from rag.types import Passage, Query, Variant

_WORD = re.compile(r"\w+(?:['\u2019.-]\w+)*")


@dataclass(frozen=True, slots=True)
class Term:
    """A term as the index has it, the word of the question or a rewrite that it comes from, and
    its part of the passage's BM25 score.
    """

    term: str
    word: str
    score: float

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def terms_of(query: Query, passages: Sequence[Passage], view: View) -> list[tuple[Term, ...]]:
    """For each passage the terms that it shares with what the lexical arm reads, best first.

    Their scores add up to the BM25 score, but for its rounding to single precision. A passage
    that the lexical arm did not reach has them too.
    """
    texts = texts_of(query, "lexical")
    words = _words(texts, view)
    return [
        tuple(
            Term(term, words.get(term, term), score)
            for term, score in sorted(parts.items(), key=lambda part: (-part[1], part[0]))
        )
        for parts in view.contributions(texts, passages)
    ]


def _words(texts: Sequence[Variant], view: View) -> Mapping[str, str]:
    """The first word that each term was made of."""
    found: dict[str, str] = {}
    for one in texts:
        for word in dict.fromkeys(_WORD.findall(one.text)):
            for term in view.terms(word):
                found.setdefault(term, word)
    return found
