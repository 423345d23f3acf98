"""Whether a sentence denies what its evidence says, or says what it denies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import regex

from rag.answer.words import words

_NOT = regex.compile(
    r"(?<!\p{L})(?:not|no(?!\.\s*\d)|never|none|nobody|nothing|neither|nor|cannot|without|"
    r"\p{L}+n['\u2019]t|forbidden|prohibited|banned|refuses?|refused|unless|except|außer|sauf|"
    r"nicht|kein\p{L}*|nie|niemals|niemand|nichts|ohne|weder|verboten|untersagt|"
    r"ne|pas|jamais|sans|aucune?|interdite?s?|nunca|sin|ning[úu]n\p{L}*|prohibid[oa]s?|"
    r"niet|geen|nooit|zonder|non|senza|vietat[oa])(?!\p{L})"
    r"|ない|なかった|ません|禁止|不|没|沒|未|无|無し|않|없|못|금지",
    regex.IGNORECASE,
)
# These bound an amount, and deny nothing.
_BOUNDS = regex.compile(
    r"\b(?:not?|nicht|pas|non) (?:more|less|fewer|later|earlier|sooner|longer than|only|just|mehr|"
    r"weniger|später|früher|nur|seulement|plus|moins)\b",
    regex.IGNORECASE,
)
_CONDITION = regex.compile(r"\s*(?:if|wenn|falls|si)(?!\p{L})", regex.IGNORECASE)
_CLAUSE = regex.compile(
    r"(?<!\p{L})(?=(?:unless|except|außer|sauf|if|wenn|falls|si)(?!\p{L}))"
    r"|[,;:()\[\]\u2013—。、\uff0c\uff1b|]|\.\s"
    r"|(?<!\p{L})(?:but|and|or|although|while|whereas|because|aber|und|oder|sondern|mais|et|ou|"
    r"pero|y)(?!\p{L})",
    regex.IGNORECASE | regex.VERSION1,  # which splits where a match is empty
)
_PAIRS = (
    "before after", "before until", "more less", "more fewer", "above below", "over under",
    "increase decrease", "increases decreases", "increased decreased", "rise fall", "rises falls",
    "rose fell", "minimum maximum", "least most", "open closed", "opens closes", "always never",
    "inside outside", "arrive depart", "arrives departs", "left right", "north south",
    "east west", "northern southern", "eastern western", "higher lower", "highest lowest",
    "larger smaller", "largest smallest", "longer shorter", "longest shortest", "earlier later",
    "first last", "accepted refused", "included excluded", "includes excludes", "with without",
    "true false", "even odd", "cheaper dearer", "faster slower", "hot cold", "oldest newest",
    "older newer", "won lost", "approved rejected", "mandatory optional",
    "nach vor", "mehr weniger", "über unter", "geöffnet geschlossen", "immer nie",
)  # fmt: skip

Terms = Callable[[str], Iterable[str]]
# Words that a clause must share with one of the evidence to be about the same.
_SHARED = 0.5
# Words of a denial that a clause must have to be what is denied.
_DENIED = 0.6
_ASIDE = regex.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class _Clause:
    terms: frozenset[str]
    negated: bool
    conditional: bool = False


def contradiction(sentence: str, evidence: str, terms: Terms) -> str:
    """What in `sentence` is the opposite of what `evidence` says, in words; "" where nothing is."""
    theirs = _clauses(evidence, terms)
    for clause in _clauses(sentence, terms):
        if clause.conditional:
            continue  # what would be is neither said nor denied
        if clause.negated and not _is_denied(clause, theirs):
            return "the evidence does not deny it"
        if not clause.negated and any(_denies(other, clause, theirs) for other in theirs):
            return "the evidence denies it"
    return _opposite(sentence, evidence)


def _is_denied(clause: _Clause, theirs: Sequence[_Clause]) -> bool:
    """Whether the evidence denies something of what a clause denies, if in other words."""
    denials = [one for one in theirs if one.negated]
    said = frozenset().union(*(one.terms for one in theirs))
    if len(clause.terms & said) < _SHARED * len(clause.terms):
        return bool(denials)
    return any(clause.terms & one.terms for one in denials)


def _denies(other: _Clause, clause: _Clause, theirs: Sequence[_Clause]) -> bool:
    """Whether `other` denies what `clause` says, and no clause beside it says the same."""
    shared = other.terms & clause.terms
    if not other.negated or len(shared) < _DENIED * len(other.terms):
        return False
    return not any(shared <= one.terms for one in theirs if not one.negated)


def _clauses(text: str, terms: Terms) -> list[_Clause]:
    text = _BOUNDS.sub(" ", text)
    # An aside parts no clause in two.
    text = "; ".join((_ASIDE.sub(" ", text), *_ASIDE.findall(text)))
    made: list[_Clause] = []
    for part in _CLAUSE.split(text):
        content = frozenset(
            term
            for word in words(_NOT.sub(" ", part))
            if not word.is_function
            for term in terms(word.key)
        )
        if content:
            conditional = _CONDITION.match(part) is not None
            made.append(_Clause(content, _NOT.search(part) is not None, conditional))
        elif made and _NOT.search(part):
            made[-1] = _Clause(made[-1].terms, True)
    return made


def _opposite(sentence: str, evidence: str) -> str:
    said, held = ({one.key for one in words(text)} for text in (sentence, evidence))
    for pair in _PAIRS:
        one, other = pair.split()
        for word, opposite in ((one, other), (other, one)):
            if word in said - held and opposite in held - said:
                return f"it says '{word}' where the evidence says '{opposite}'"
    return ""
