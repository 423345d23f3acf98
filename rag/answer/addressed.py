"""Whether a text speaks to a language model, and not to whoever reads the document.

What is phrased as injected instructions usually are is found (`rag.answer.phrases`). Whoever
phrases it otherwise is not found, so what a model writes is never trusted either.
"""

from __future__ import annotations

import re
import unicodedata

from rag.answer.phrases import KINDS

_QUOTES = re.compile(
    '["\u201c-\u201e«»「」][^"\u201c-\u201e«»「」]*["\u201c-\u201e«»「」]|'
    "(?<!\\w)['\u2018\u201a][^'\u2018\u2019]*['\u2019](?!\\w)"
)
# What nothing shows: soft hyphens, zero-width and direction characters, fillers, selectors.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
# The same but for what some scripts write: joiners, fillers, variation selectors.
_INVISIBLE = re.compile(
    "[\u00ad\u200b\u200e\u200f\u061c\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]|[\u200c\u200d]{2,}"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_EMPHASIS = re.compile(r"[*_`~]+")
_SPACED = re.compile(r"(?<!\w)(?:\w[ .-]){4,}\w(?!\w)")
# Letters of other scripts that look like Latin ones.
_ALIKE = str.maketrans("аеорсухіјѕһԁԛԝοανικτρ", "aeopcyxijshdqwoaviktp")
# Tags are written in characters that nothing shows; flags of some countries are made of them too.
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]+\U000e007f")
_TAGGED = re.compile("[\U000e0001-\U000e007f]")


def addressed(text: str) -> bool:
    """Whether `text` speaks to a model; accents, space, emphasis and lookalikes change nothing."""
    if _TAGGED.search(_FLAG.sub("", text)):
        return True
    flat = folded(text)
    # An underscore is emphasis in one text and part of a token's name in another.
    bare = " ".join(_EMPHASIS.sub("", flat).split())
    alike = bare if bare.isascii() else bare.translate(_ALIKE)
    return any(_speaks(one) for one in {flat, bare, alike})


def quoted(text: str) -> bool:
    """Whether what speaks to a model in `text` stands in quotation marks alone."""
    return not addressed(_QUOTES.sub(" ", text))


def folded(text: str) -> str:
    """`text` in lower case on one line, without accents, emphasis and what is not seen."""
    plain = text.lower()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", _UNSEEN.sub("", text)).casefold()
        plain = unicodedata.normalize("NFC", _ACCENTS.sub("", plain)).replace("\u2019", "'")
    joined = _SPACED.sub(lambda found: re.sub(r"[ .-]", "", found[0]), plain)
    return " ".join(joined.split())


def _speaks(flat: str) -> bool:
    return any(
        any(word in flat for word in kind.words) and kind.pattern.search(flat) is not None
        for kind in KINDS
    )


def readable(text: str) -> str:
    """`text` without characters that nothing shows and that none of its words needs."""
    return _CONTROL.sub("", _INVISIBLE.sub("", text))
