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
from collections.abc import Sequence, Set
from dataclasses import dataclass

import regex

from rag.answer.dates import MONTHS, WEEKDAYS
from rag.answer.expected import Expected
from rag.answer.figures import figures, lacking
from rag.answer.names import unnamed
from rag.answer.negation import contradiction
from rag.answer.words import Word, words
from rag.languages import detect
from rag.types import Answer, Citation, Hit

_END = regex.compile(r"[\s.?!\u3002\uff01\uff1f\u2026]+$")
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
# They ask for nothing, and their capital letters name nobody.
_COURTESY = regex.compile(
    r"\b(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|excuse me|please|"
    r"thanks?(?: you)?(?: (?:very much|a lot|in advance))?|(?:quick )?question|hallo|bitte|"
    r"guten tag|(?:vielen )?danke?|bonjour|merci|s'il vous pla[îi]t|hola|gracias|por favor)"
    r"\b[\s,.!:]*",
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
    made = words(_COURTESY.sub("", text))
    own = {one.key for one in made if not one.initial and _is_name(one)}
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
    asked, kept = (
        Wording(_COURTESY.sub("", one.text) or one.text, one.names) for one in (asked, kept)
    )
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

    They do where their text is the same but for case and space. They do as well where each of them
    cites what the other one's first statement cites, and neither first statement has a number or
    name that the other lacks, or denies what it does not: the first says what was asked, and what
    follows may differ. An abstention is the same as another one, and never the same as an answer.
    """
    if one.abstained or other.abstained:
        return one.abstained and other.abstained
    if normal(one.text).casefold() == normal(other.text).casefold():
        return True
    firsts = [_first(it) for it in (one, other)]
    cited = [_spans(it.citations) for it in (one, other)]
    if not firsts[0][1] or not firsts[0][1] <= cited[1] or not firsts[1][1] <= cited[0]:
        return False
    return bool(firsts[1][1]) and not _says_otherwise(firsts[0][0], firsts[1][0])


Span = tuple[str, int, int]


def _first(answer: Answer) -> tuple[str, set[Span]]:
    """The first statement of an answer, or all of it, and the spans that it cites."""
    if not answer.statements:
        return answer.text, _spans(answer.citations)
    first = answer.statements[0]
    known = range(len(answer.citations))
    cited = [answer.citations[place] for place in first.citations if place in known]
    return answer.text[first.start : first.end], _spans(cited)


def _spans(citations: Sequence[Citation]) -> set[Span]:
    return {(one.document_id, one.start, one.end) for one in citations}


def _says_otherwise(one: str, other: str) -> bool:
    return difference(wording(one), wording(other)) != ""


def _other_names(asked: Wording, kept: Wording, known: Set[str]) -> list[str]:
    told = []
    for one, other in ((asked, kept), (kept, asked)):
        keys = {word.key for word in words(other.text)}
        small = (one.names | {word.key for word in words(one.text)} & known) - keys
        told += sorted(small)
        told += _unnamed(one.text, other.text)
    return told or _swapped(asked, kept)


def _unnamed(one: str, other: str) -> list[str]:
    told = unnamed(one, other, other, nouns=False, known=frozenset(), stems=_itself)
    return [name for name in told if not any(letter.isdigit() for letter in name)]


def _swapped(asked: Wording, kept: Wording) -> list[str]:
    """Names that stand in another order, or after another "from" or "to"."""
    shared = asked.names & kept.names
    orders = [[word.key for word in words(one.text) if word.key in shared] for one in (asked, kept)]
    if len(shared) > 1 and orders[0] != orders[1]:
        return orders[0][:1]
    ways = [
        {found[0].casefold() for found in _DIRECTION.finditer(one.text)} for one in (asked, kept)
    ]
    held = [{way.split()[-1] for way in one} for one in ways]
    return sorted(held[0]) if held[0] == held[1] and ways[0] != ways[1] else []


def _ways(text: str) -> set[str]:
    return {found[0].casefold() for found in _DIRECTION.finditer(text)}


def _ask_alike(one: str, other: str) -> bool:
    words_of = [{n for n, form in enumerate(_ASKING) if form.search(it)} for it in (one, other)]
    kinds = [set(Expected(it).kinds) for it in (one, other)]
    return all(not a or not b or bool(a & b) for a, b in (words_of, kinds))


def _is_name(word: Word) -> bool:
    """Whether it is written as a name; codes and dates are compared as such."""
    if word.text in MONTHS or word.text in WEEKDAYS:
        return False
    holds = word.is_function and not (word.text.isupper() and len(word.text) > 1)
    coded = any(letter.isdigit() for letter in word.text)
    return word.is_capitalised and not holds and not coded


def _always_capitalised(text: str) -> set[str]:
    told = [one for one in words(text) if not one.initial]
    small = {one.key for one in told if not one.is_capitalised}
    return {one.key for one in told if _is_name(one)} - small


def _itself(word: str) -> list[str]:
    return [word.casefold()]
