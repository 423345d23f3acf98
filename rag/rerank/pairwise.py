"""Preferences between passages, added up to scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]
"""Positions of the passage shown first and of the one shown second."""


def presentations(count: int) -> list[Pair]:
    """Every pair of `count` passages in both orders, `count * (count - 1)` in all.

    Those among the first passages come first: they matter most where not all can be asked.
    """
    pairs = sorted(combinations(range(count), 2), key=lambda pair: (pair[1], pair[0]))
    return [shown for one, other in pairs for shown in ((one, other), (other, one))]


def wins(count: int, first: Mapping[Pair, float]) -> list[float]:
    """How many of the others each of `count` passages wins against; a tie is half a win.

    `first` has the probability that the passage shown first is preferred. A judge may favour
    what it is shown first, so that a preference is the mean over both orders, and a pair that
    was not judged in both is a tie (pairwise reranking as InstUPR has it, Huang and Chen 2024,
    which adds the probabilities up).
    """
    won: list[list[float]] = [[] for _ in range(count)]
    for one, other in combinations(range(count), 2):
        lead = _lead(first.get((one, other)), first.get((other, one)))
        won[one].append(0.5 + lead)
        won[other].append(0.5 - lead)
    # The sum must not depend on the order in which passages came.
    return [math.fsum(some) for some in won]


def _lead(forward: float | None, backward: float | None) -> float:
    """By how much the one is preferred to the other, from -0.5 to 0.5."""
    return 0.0 if forward is None or backward is None else (forward - backward) / 2


def most(budget: int) -> int:
    """The most passages whose pairs can all be asked for within `budget` calls."""
    return (1 + math.isqrt(1 + 4 * budget)) // 2


def calls(count: int) -> int:
    """The calls that the pairs of `count` passages take."""
    return count * (count - 1)
