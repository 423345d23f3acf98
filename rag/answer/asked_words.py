"""The words of a question that say what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

from rag.protocols import View
from rag.scripts import plain

# Asking words say what kind of answer is wanted, not what it is about.
_ASKING = (
    "what which who whom whose when where why how much many long often far old do does did can "
    "could should would may must i we you my our your me us have has had am been get there"
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class AskedWord:
    """A word at `question[start:end]`, as the index's languages read it, and how rare it is."""

    start: int
    end: int
    terms: frozenset[str]
    weight: float


def asked_words(question: str, held: Set[str], view: View) -> list[AskedWord]:
    """The words of `question` that count, in order; `held` are the terms of what may answer.

    In scripts that do not part words with spaces a term has no place of its own: all of the
    question is its place.
    """
    words = list(_words(question, view))
    lacking = view.idf("")
    if all(view.idf(term) >= lacking for term in held):
        return words  # there is no lexical index: all words are equally rare
    # The texts are indexed: a word of theirs that the index lacks is a stop word of their
    # language that another of the index's languages lets through.
    return [one for one in words if one.weight < lacking or not one.terms & held]


def _words(question: str, view: View) -> Iterator[AskedWord]:
    asking = frozenset(view.terms(_ASKING))
    for start, end, terms in _terms(question, view):
        if telling := terms - asking:
            yield AskedWord(start, end, telling, min(map(view.idf, telling)))


def _terms(question: str, view: View) -> Iterator[tuple[int, int, frozenset[str]]]:
    """Each word with its place and the terms that the index's languages make of it."""
    if plain(question):
        for found in _WORD.finditer(question):
            yield found.start(), found.end(), frozenset(view.terms(found[0]))
    else:
        for term in view.terms(question):
            yield 0, len(question), frozenset([term])
