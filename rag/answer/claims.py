"""The claims that a sentence is made of, where that is cheap to tell."""

from __future__ import annotations

import regex

_MARKS = regex.compile(r"\s*\[\d+(?:\s*[,;\u2013-]\s*\d+)*\]")
_LEADING = regex.compile(r"^\s*(?:[-*•#>]+|\d{1,2}[.)])\s+")
_EMPHASIS = regex.compile(r"\*\*|__|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)|`")
_JOINT = regex.compile(
    r";\s+|。|\uff1b|,\s+(?:and|but|while|whereas|which|und|aber|während|et|mais|y|pero)\s+"
    r"|\s+(?:and|but|while|whereas|und|aber|et|mais|pero)\s+"
)
# A part with fewer words says too little alone.
_FEWEST = 3


def bare(sentence: str) -> str:
    """A sentence of an answer without citation marks, list marks and emphasis."""
    without = _LEADING.sub("", _MARKS.sub("", sentence))
    return " ".join(_EMPHASIS.sub("", without).split())


def claims(sentence: str) -> list[str]:
    """The parts of `sentence` that say something each; all of it where it has none."""
    parts: list[str] = []
    start = 0
    for joint in _JOINT.finditer(sentence):
        before, after = sentence[start : joint.start()], sentence[joint.end() :]
        if _is_claim(before) and _is_claim(after):
            parts.append(before.strip())
            start = joint.end()
    return [*parts, sentence[start:].strip()]


def _is_claim(part: str) -> bool:
    return len(regex.findall(r"\w+", part)) >= _FEWEST or bool(regex.search(r"\p{Han}{4}", part))
