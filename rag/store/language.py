"""The language of a document, guessed from its text."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rag.store.analysis import STEMMERS, UNSTEMMED, words

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_SAMPLE = 600
_SURE = 0.9
UNSURE = "en"


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    known = set(identifier.labels)
    identifier.set_languages([code for code in (*STEMMERS, *UNSTEMMED) if code in known])
    return identifier


def detect(text: str) -> str:
    """ISO 639-1 code of `text`'s language; English where the text is too short to tell.

    Only the beginning is read. Code, numbers and lists of names rarely give a sure answer,
    and English analysis is the mildest one for them.
    """
    sample = text[:_SAMPLE]
    if not words(sample):
        return UNSURE
    language, probability = _identifier().classify(sample)
    return str(language) if probability >= _SURE else UNSURE
