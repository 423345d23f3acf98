"""What a chat model chose among labels, and how sure it was: nothing else is read of a reply.

A passage may say what the model is to answer. Of the reply only a label is taken, so that the
worst that a passage can gain is its own place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.types import Reply

# What tokenizers write for the space before a word.
_SPACES = " \t\r\n\u2581\u0120\u010a"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The probability of each label, together 1; `soft` where the model told them itself."""

    weights: Mapping[str, float]
    soft: bool


def verdict(reply: Reply, labels: Sequence[str]) -> Verdict | None:
    """The label that `reply` chose out of `labels`; None where it chose none, or several.

    The probabilities are those of the labels at the first token that is a word, brought to a sum
    of 1 (the soft scores of InstUPR, Huang and Chen 2024). Where that token is no label, or the
    model tells no probabilities, the label is the only one that stands in the text.
    """
    weights = _soft(reply, labels)
    if weights is not None:
        return Verdict(weights, soft=True)
    found = {one for one in labels if _standing(one).search(reply.text)}
    return Verdict({found.pop(): 1.0}, soft=False) if len(found) == 1 else None


def _soft(reply: Reply, labels: Sequence[str]) -> dict[str, float] | None:
    for choices in reply.choices:
        likeliest = max(choices, key=lambda token: choices[token], default="")
        if not any(character.isalnum() for character in _bare(likeliest)):
            continue  # a space, a quote, or stars around the label
        if _bare(likeliest) not in labels:
            return None
        given = [(_bare(token), _probability(chance)) for token, chance in choices.items()]
        weights = {one: math.fsum(p for name, p in given if name == one) for one in labels}
        total = math.fsum(weights.values())
        return {one: weight / total for one, weight in weights.items()} if total > 0 else None
    return None


def _probability(chance: float) -> float:
    """Of a logarithm that a server sent, which may be anything."""
    return 0.0 if math.isnan(chance) else math.exp(min(chance, 0.0))


def _bare(token: str) -> str:
    return token.strip(_SPACES)


def _standing(label: str) -> re.Pattern[str]:
    """`label` as a word of its own: not the 5 of `4/5`, nor the 4 of `4.5`."""
    return re.compile(rf"(?<![\w.,/]){re.escape(label)}(?!\w|[.,]\d)")
