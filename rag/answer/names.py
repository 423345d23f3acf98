"""Names in a sentence that its evidence does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher

import regex

from rag.answer.dates import MONTHS, WEEKDAYS
from rag.answer.words import Word, words

# What only looks like a name where it begins a sentence.
_COMMON = regex.compile(
    r"(?:ing|ly|ed|tion|tions|ment|ments|ity|ness|ers|ors|ies|ung|ungen|heit|keit)$"
)
_KATAKANA = regex.compile(r"[\p{Katakana}ー]{3,}")
_HYPHENS = regex.compile(r"[-\u2013]")
# Words on either side of a place in a sentence, which tell that it is the same in the evidence.
_FLANK = 1

Stems = Callable[[str], Iterable[str]]


def unnamed(
    sentence: str, best: str, evidence: str, *, nouns: bool, known: frozenset[str], stems: Stems
) -> list[str]:
    """Names of `sentence` that are not in `evidence`, as they are written.

    Names are words with capital letters. Where a sentence begins, and in a language that writes
    all `nouns` so (German), a capital letter says little: such a word counts where names follow
    it or stand beside it, where it is among the `known` names, and where the sentence is
    otherwise as `best`, its best evidence, with this word in another's place.
    """
    made = words(sentence)
    held = _Held(evidence, stems)
    swapped = _swapped(made, words(best))
    missing = [
        one.text
        for position, one in enumerate(made)
        if one.is_capitalised
        and not _is_date(one)
        and not (one.is_function and one.text.istitle())
        and not held.has(one)
        and (position in swapped or one.key in known or _is_name(made, position, nouns))
    ]
    return missing + [run for run in _KATAKANA.findall(sentence) if run not in evidence]


def names(text: str) -> frozenset[str]:
    """The words of `text` that are written with a capital letter where none is needed."""
    return frozenset(
        one.key
        for one in words(text)
        if one.is_capitalised and not one.initial and not _is_date(one)
    )


class _Held:
    """The words of the evidence, by what they are compared by."""

    def __init__(self, evidence: str, stems: Stems) -> None:
        self._keys = {one.key for one in words(evidence)}
        self._keys.update(part for key in set(self._keys) for part in _HYPHENS.split(key))
        self._stemmed = set(stems(evidence))
        self._stems = stems

    def has(self, word: Word) -> bool:
        """Whether the evidence has `word`, inflected or not, or all of its parts."""
        if word.key in self._keys or not self._stemmed.isdisjoint(self._stems(word.key)):
            return True
        parts = _HYPHENS.split(word.key)
        return len(parts) > 1 and all(part in self._keys for part in parts)


def _is_name(made: Sequence[Word], position: int, nouns: bool) -> bool:
    one = made[position]
    inner = any(character.isupper() for character in one.text[1:])
    if inner and not one.text.istitle():
        return True
    if not one.initial and not nouns:
        return True
    if one.initial and (_COMMON.search(one.key) or nouns):
        return False
    return any(
        0 <= beside < len(made)
        and made[beside].is_capitalised
        and not made[beside].initial
        and not _is_date(made[beside])
        for beside in (position - 1, position + 1)
    )


def _swapped(made: Sequence[Word], best: Sequence[Word]) -> set[int]:
    """Positions in `made` where `best` has another word between the same words."""
    matcher = SequenceMatcher(
        None, [one.key for one in made], [one.key for one in best], autojunk=False
    )
    swapped: set[int] = set()
    for kind, start, end, other, last in matcher.get_opcodes():
        few = end - start <= 3 and last - other <= 3
        named = any(one.is_capitalised for one in best[other:last])
        flanked = (start >= _FLANK or start == other == 0) and (start or end < len(made))
        if kind == "replace" and few and named and flanked:
            swapped.update(range(start, end))
    return swapped


def _is_date(word: Word) -> bool:
    return word.text in MONTHS or word.text in WEEKDAYS
