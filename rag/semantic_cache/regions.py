"""How like a kept question another must be to get its answer, learned for each kept question.

After VectorQ (Schroeder et al. 2025): there is no threshold that fits all. Each kept question has
a region of its own, the logistic curve `p(right | s) = 1 / (1 + exp(-slope * (s - threshold)))`
over the cosine `s`, known by what was observed: pairs of a cosine and whether the kept answer was
right. Few observations say little, so the curve is no point estimate: its posterior is held on a
grid, and what is asked of it is the mean over all curves that are still likely. Where a question
has few observations of its own, those of the others count through the prior, the distribution of
curves over all kept questions, itself estimated by expectation maximisation with a Dirichlet prior
(an empirical Bayes estimate on a grid: Laird 1978). Without any observation it says that nothing
is sure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Curve: TypeAlias = NDArray[np.float64]

# The grid: thresholds over 1 stand for questions whose answer fits no other wording. Lapses are
# observations that the cosine does not explain: wordings that only a reader tells apart.
_GRID = np.meshgrid(np.linspace(0.4, 1.1, 29), [10.0, 20.0, 40.0, 80.0, 160.0], [0.002, 0.02, 0.1])
_THRESHOLDS, _SLOPES, _LAPSES = (axis.ravel() for axis in _GRID)
LEAST = float(_THRESHOLDS.min())
# How many kept questions the grid's even prior weighs as much as.
_PRIOR = 2.0
_ROUNDS = 12
# The prior is estimated again when observations have grown by this share.
_GROWTH = 0.02


class Regions:
    """The regions of all kept questions of one pipeline, by the numbers of the questions."""

    def __init__(self, observations: Iterable[tuple[int, float, bool]] = ()) -> None:
        self._likelihoods: dict[int, Curve] = {}
        self._even = np.full(_THRESHOLDS.size, 1 / _THRESHOLDS.size)
        self._prior = self._even
        self._count = self._fitted = 0
        for one in observations:
            self.observe(*one)

    def observe(self, entry: int, similarity: float, right: bool) -> None:
        """Note that at cosine `similarity` the answer of `entry` was right, or was not."""
        chance = _right(similarity)
        likelihood = self._likelihoods.get(entry, np.ones(chance.size))
        likelihood = likelihood * (chance if right else 1 - chance)
        self._likelihoods[entry] = likelihood / likelihood.max()
        self._count += 1

    def risk(self, entry: int, similarity: float) -> float:
        """The probability that the answer of `entry` is wrong at cosine `similarity`.

        It does not rise with the cosine.
        """
        self._fit()
        likely = self._prior * self._likelihoods.get(entry, 1.0)
        return float(1 - likely @ _right(similarity) / likely.sum())

    def _fit(self) -> None:
        if self._count - self._fitted < max(1.0, _GROWTH * self._fitted):
            return
        known = np.stack(list(self._likelihoods.values()))
        for _ in range(_ROUNDS):
            likely = known * self._prior
            shares = (likely / likely.sum(axis=1, keepdims=True)).sum(axis=0)
            self._prior = (_PRIOR * self._even + shares) / (_PRIOR + len(known))
        self._fitted = self._count


class Ledger:
    """How often predictions below a bound were wrong, against how often they said that they would.

    It holds the bound where the curves themselves are wrong: the ratio of observed to expected
    errors, shrunk towards 1 (as a standardised ratio with a gamma prior), raises every later risk.
    """

    def __init__(self, max_error: float) -> None:
        self._max_error = max_error
        self._expected = self._observed = 0.0

    def note(self, risk: float, right: bool) -> None:
        """Note what came of a prediction."""
        if risk <= self._max_error:
            self._expected += risk
            self._observed += not right

    @property
    def factor(self) -> float:
        """What risks are multiplied by: 1 or more."""
        return max(1.0, (self._observed + 1) / (self._expected + 1))

    def exploring(self, risk: float) -> float:
        """The probability with which a question has to be answered for real.

        It is 1 from the bound on, so that no answer is given whose risk is above it, and falls
        with the square of the risk: at half the bound one question in four is looked at. So
        regions that seem safe are still tested, most where they matter most.
        """
        return min(1.0, (self.factor * risk / self._max_error) ** 2)


def _right(similarity: float) -> Curve:
    """The probability of a right answer under each curve of the grid, `(curves,)`."""
    steep = np.clip(_SLOPES * (similarity - _THRESHOLDS), -60, 60)
    chance: Curve = _LAPSES / 2 + (1 - _LAPSES) / (1 + np.exp(-steep))
    return chance
