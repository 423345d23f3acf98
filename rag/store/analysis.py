"""Text to index terms: what BM25 counts, for every engine alike.

Words are Unicode words, NFKC-folded and lower-cased, without the stop words of their language
and stemmed with Snowball where there is a stemmer. Scripts written without spaces (and Korean)
become overlapping character pairs, as is usual for them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import regex

from rag.errors import RequestError
from rag.languages import STEMMERS, UNSTEMMED
from rag.registry import unknown
from rag.scripts import PAIRED, plain

if TYPE_CHECKING:
    import tantivy

AUTO = "auto"
# Of these, tantivy carries a stop-word list.
STOP_WORDS = frozenset(
    ["da", "de", "en", "es", "fi", "fr", "hu", "it", "nl", "no", "pt", "ru", "sv"]
)

_PLAIN = re.compile(r"\w+")
_ANY = regex.compile(rf"[{PAIRED}]\p{{M}}*(?:[{PAIRED}ー]\p{{M}}*)*|(?:(?![{PAIRED}])\w)+")
_CHARACTER = regex.compile(r"\X")
_IS_PAIRED = regex.compile(rf"[{PAIRED}]")

# tantivy refuses terms beyond 65,530 bytes; nobody searches for a word this long.
_LONGEST = 255
# Words of a language whose stems are kept.
_STEMS = 100_000


def language_code(language: str) -> str:
    """ISO 639-1 code of a language given by code or by English name; "auto" stays.

    Raises RequestError for a language that is not known.
    """
    codes = {AUTO: AUTO}
    for code, name in {**STEMMERS, **UNSTEMMED}.items():
        codes[code] = codes[name] = code
    if language.lower() not in codes:
        raise RequestError(unknown("language", language, codes))
    return codes[language.lower()]


def language_faults(options: Mapping[str, object]) -> list[tuple[str, str]]:
    """What is wrong with the `language` among a lexical engine's options."""
    try:
        language_code(str(options.get("language", AUTO)))
    except RequestError as error:
        return [("language", str(error))]
    return []


@cache
def _stem(language: str) -> Callable[[str], str] | None:
    import Stemmer

    name = STEMMERS.get(language)
    if name not in Stemmer.algorithms():
        return None
    # Its own memory costs more than stemming where there are more words than it holds.
    return lru_cache(_STEMS)(Stemmer.Stemmer(name, 0).stemWord)


@cache
def _stop_filter(language: str) -> tantivy.TextAnalyzer | None:
    import tantivy

    if language not in STOP_WORDS:
        return None
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return words.filter(tantivy.Filter.stopword(STEMMERS[language])).build()


def _pairs(run: str) -> Iterable[str]:
    characters = [character[:_LONGEST] for character in _CHARACTER.findall(run)]
    if len(characters) == 1:
        return characters
    return ("".join(pair) for pair in pairwise(characters))


def words(text: str) -> list[str]:
    """`text` as folded words and character pairs, before any language is considered."""
    folded = unicodedata.normalize("NFKC", text).lower()
    if plain(folded):
        return [token[:_LONGEST] for token in _PLAIN.findall(folded)]
    found: list[str] = []
    for token in _ANY.findall(folded):
        if _IS_PAIRED.match(token):
            found.extend(_pairs(token))
        else:
            found.append(token[:_LONGEST])
    return found


def analyse(text: str, language: str) -> list[str]:
    """Index terms of `text`, which is in `language` (ISO 639-1; an unknown one is not stemmed)."""
    tokens = words(text)
    stop = _stop_filter(language)
    if stop is not None:
        tokens = stop.analyze(" ".join(tokens))
    stem = _stem(language)
    return tokens if stem is None else list(map(stem, tokens))
