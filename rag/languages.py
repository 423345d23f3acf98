"""The languages that are told apart, and which of them a text is in, guessed from it."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import regex

from rag.scripts import PAIRED, plain

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# ISO 639-1 codes of the languages that have a Snowball stemmer.
STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german",
    "el": "greek", "en": "english", "es": "spanish", "et": "estonian", "eu": "basque",
    "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
# Languages that are told apart although there is no stemmer for them.
UNSTEMMED = {
    "bg": "bulgarian", "he": "hebrew", "ja": "japanese", "ko": "korean", "th": "thai",
    "uk": "ukrainian", "vi": "vietnamese", "zh": "chinese",
}  # fmt: skip
UNSURE = "en"

_SAMPLE = 600
_SURE = 0.9
_PLAIN = re.compile(r"\w")
_ANY = regex.compile(rf"[{PAIRED}]|\w")
# A document is asked about for each window, each answer, and when it is stored.
_REMEMBERED = 4_096
# Reading the model takes most of a second: threads that begin together read it once.
_LOADING = threading.Lock()


def _identifier() -> LanguageIdentifier:
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    known = set(identifier.labels)
    identifier.set_languages([code for code in (*STEMMERS, *UNSTEMMED) if code in known])
    return identifier


def detect(text: str) -> str:
    """ISO 639-1 code of `text`'s language; English where the text is too short to tell.

    Only the beginning is read, once: answers are remembered by it. Code, numbers and lists of
    names rarely give a sure answer, and English analysis is the mildest one for them.
    """
    return _detect(text[:_SAMPLE])


@lru_cache(maxsize=_REMEMBERED)
def _detect(sample: str) -> str:
    folded = unicodedata.normalize("NFKC", sample).lower()
    if not (_PLAIN if plain(folded) else _ANY).search(folded):
        return UNSURE
    language, probability = _identifier().classify(sample)
    return str(language) if probability >= _SURE else UNSURE
