"""How much each of several rewrites counts: shares of one, attached to the texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rag.rewrite.replies import same


def falling(n: int, shares: Sequence[float] | None = None) -> list[float]:
    """Shares of `n` rewrites, best first: those given, or else in proportion to 1/rank.

    Where there are fewer rewrites than shares, the shares are scaled up to add up to one.
    """
    wanted = [1 / rank for rank in range(1, n + 1)] if shares is None else list(shares[:n])
    total = math.fsum(wanted)
    return [share / total for share in wanted]


def probable(scored: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Each text once with its share, the softmax of logarithmic scores; likeliest first.

    The shares of texts that differ in space and case alone are added. The order of `scored`
    makes no difference.
    """
    if not scored:
        return []
    top = max(score for _, score in scored)
    raised = [(text, math.exp(score - top)) for text, score in scored]
    total = math.fsum(value for _, value in raised)
    together: dict[str, list[tuple[float, str]]] = {}
    for text, value in raised:
        together.setdefault(same(text), []).append((value / total, text))
    # Sorted before they are added, so that rounding does not depend on the order either.
    shares = [(max(group)[1], math.fsum(one for one, _ in group)) for group in together.values()]
    return sorted(shares, key=lambda pair: (-pair[1], pair[0]))


def unlike(shares: Sequence[tuple[str, float]], *texts: str) -> list[tuple[str, float]]:
    """`shares` without those of `texts`: the question itself counts already."""
    taken = {same(text) for text in texts}
    return [pair for pair in shares if same(pair[0]) not in taken]


def merged(texts: Sequence[str], weight: float) -> Mapping[str, float]:
    """`weight` divided equally among `texts`; a text said twice counts twice."""
    first: dict[str, str] = {}
    counts: dict[str, int] = {}
    for text in texts:
        key = first.setdefault(same(text), text)
        counts[key] = counts.get(key, 0) + 1
    return {text: weight * count / len(texts) for text, count in counts.items()}
