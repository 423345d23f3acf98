"""Whether two questions may ask the same, and whether two answers say the same.

Encoders place questions that differ in a year, a name or a "not" nearer to each other than most
paraphrases. So two questions are different, whatever their cosine, where one of them has a number,
date, code or name that the other lacks, names in another order, denies what the other does not, or
asks for another kind of thing (who, where, when, why, how many). Numbers and codes are compared by
what they say, in whichever way they are written. A name is what is written with a capital letter,
in the question or, for what people type in small letters, in the passages that answered it. The
rules would rather tell two questions apart that ask the same: that costs no more than answering.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Set
from dataclasses import dataclass

import regex

from rag.answer.expected import Expected
from rag.answer.figures import figures, lacking
from rag.answer.names import unnamed
from rag.answer.negation import contradiction
from rag.answer.words import words
from rag.languages import detect
from rag.types import Answer, Hit

_END = regex.compile(r"[\s.?!¿¡？。！…]+$")
_ASKING = (
    regex.compile(r"\b(?:who|whom|whose|wer|wem|wen|wessen|qui|qui[ée]n(?:es)?)\b", regex.I),
    regex.compile(r"\b(?:where|wo|wohin|woher|où|d[óo]nde)\b", regex.I),
    regex.compile(r"\b(?:when|wann|quand|cu[áa]ndo)\b", regex.I),
    regex.compile(r"\b(?:why|warum|weshalb|pourquoi|por qu[ée])\b", regex.I),
)
_DIRECTION = regex.compile(
    r"\b(?:from|to|before|after|von|nach|vor|bis|zu|de|à|vers|desde|hasta|a)\s+(\p{L}[\w'-]*|\d+)",
    regex.I,
)


@dataclass(frozen=True, slots=True)
class Wording:
    """A question and the names in it, without case."""

    text: str
    names: frozenset[str]


def normal(text: str) -> str:
    """A question without what makes no difference: space, the form of characters, its last mark."""
    return _END.sub("", " ".join(unicodedata.normalize("NFKC", text).split()))


def wording(text: str, hits: tuple[Hit, ...] = ()) -> Wording:
    """A question with its names: those that it writes so, and those that its passages do."""
    made = words(text)
    own = {one.key for one in made if one.is_capitalised and not one.initial}
    read = " ".join(hit.passage.text for hit in hits)
    # German writes every noun so, which tells nothing.
    if read and detect(read) != "de":
        asked = {one.key for one in made if not one.is_function and len(one.key) > 2}
        own |= asked & _always_capitalised(read)
    return Wording(text, frozenset(own))


def difference(asked: Wording, kept: Wording, known: Set[str] = frozenset()) -> str:
    """What makes `asked` another question than `kept`, in words; "" where nothing tells so.

    `known` are names of other questions: they are names in small letters, too.
    """
    for one, other in ((asked.text, kept.text), (kept.text, asked.text)):
        if told := lacking(figures(one), figures(other)):
            return f"other numbers: {told[0].split(' is ')[0]}"
        if contradiction(one, other, lambda word: [word.casefold()]):
            return "one denies what the other does not"
    if names := _other_names(asked, kept, known):
        return f"other names: '{names[0]}'"
    if not _ask_alike(asked.text, kept.text):
        return "they ask for different things"
    return ""


def same_answer(one: Answer, other: Answer) -> bool:
    """Whether two answers say the same.

    They do where their text is the same but for case and space, or where they cite the same spans
    and neither has a number or name that the other lacks. Abstentions say nothing: two of them are
    the same, and one and an answer are not.
    """
    if one.abstained or other.abstained:
        return one.abstained and other.abstained
    if normal(one.text).casefold() == normal(other.text).casefold():
        return True
    spans = [{(c.document_id, c.start, c.end) for c in it.citations} for it in (one, other)]
    return bool(spans[0]) and spans[0] == spans[1] and not _says_otherwise(one.text, other.text)


def _says_otherwise(one: str, other: str) -> bool:
    return difference(wording(one), wording(other)) != ""


def _other_names(asked: Wording, kept: Wording, known: Set[str]) -> list[str]:
    told = []
    for one, other in ((asked, kept), (kept, asked)):
        keys = {word.key for word in words(other.text)}
        small = (one.names | {word.key for word in words(one.text)} & known) - keys
        told += sorted(small)
        told += unnamed(
            one.text, other.text, other.text, nouns=False, known=frozenset(), stems=_itself
        )
    return told or _swapped(asked, kept)


def _swapped(asked: Wording, kept: Wording) -> list[str]:
    """Names that stand in another order, or after another "from" or "to"."""
    shared = asked.names & kept.names
    orders = [
        [word.key for word in words(one.text) if word.key in shared] for one in (asked, kept)
    ]
    if len(shared) > 1 and orders[0] != orders[1]:
        return orders[0][:1]
    ways = [{found[0].casefold() for found in _DIRECTION.finditer(one.text)} for one in (asked, kept)]
    held = [{way.split()[-1] for way in one} for one in ways]
    return sorted(held[0]) if held[0] == held[1] and ways[0] != ways[1] else []


def _ask_alike(one: str, other: str) -> bool:
    words_of = [{n for n, form in enumerate(_ASKING) if form.search(it)} for it in (one, other)]
    kinds = [set(Expected(it).kinds) for it in (one, other)]
    return all(not a or not b or bool(a & b) for a, b in (words_of, kinds))


def _always_capitalised(text: str) -> set[str]:
    told = [one for one in words(text) if not one.initial]
    small = {one.key for one in told if not one.is_capitalised}
    return {one.key for one in told if one.is_capitalised} - small


def _itself(word: str) -> list[str]:
    return [word.casefold()]
