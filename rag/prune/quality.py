"""Several opinions of a passage made into one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rag.protocols import Collection, Pruner, Quality, Scores
from rag.registry import Nested

# One row for each pruner, one column for each passage.
_Table: TypeAlias = NDArray[np.float64]
# Of passages whose worst sides are equal, the rest of the opinions decides: so little it weighs.
_TIES = 1e-6
# Chosen on SciFact's train questions, and on injected junk: see docs/pipelines.md.
_DEFAULT = ("duplicates", "novelty", "boilerplate", "length")


class QualityPruner:
    """Combines pruners: the worst of what they think of a passage (`min`), or the `mean` of it.

    By default a passage is as good as its worst side: a copy, or boilerplate, is to be dropped
    however well it does elsewhere. `scale: score` takes scores as they are, which suits pruners
    that go from 0, worthless, to 1, such as all that need no model. `scale: rank` suits the
    others: each score becomes the share of the collection that its pruner ranks below, ties
    counting half, so that units do not matter; but the worst of a collection without bad
    passages then looks as bad as any. `weights`, one for each pruner of `of`, go with the mean.
    """

    def __init__(
        self,
        *,
        of: Annotated[Sequence[Pruner], Nested("pruner", several=True, default=_DEFAULT)],
        weights: Sequence[Annotated[float, Field(gt=0)]] | None = None,
        by: Literal["min", "mean"] = "min",
        scale: Literal["score", "rank"] = "score",
    ) -> None:
        self._of = of
        self._weights = np.array(weights or [1.0] * len(of), np.float64)
        self._by = by
        self._scale = scale

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Weights that don't fit the pruners, or that nothing would use."""
        weights = options["weights"]
        if weights is None:
            return
        if options["by"] == "min":
            yield "weights", "'weights' are for 'by: mean': the worst of opinions has none"
        elif len(weights) != len(options["of"]):
            pruners = len(options["of"])
            yield "weights", f"'weights' has {len(weights)} numbers for {pruners} pruners"

    @property
    def needs_vectors(self) -> bool:
        """Whether one of the pruners does."""
        return any(pruner.needs_vectors for pruner in self._of)

    def judge(self, collection: Collection) -> Quality:
        """Scores are on the pruners' own scale, or shares of the collection, 0 to 1."""
        opinions = [pruner.judge(collection) for pruner in self._of]
        scored = np.array([self._scaled(one.scores) for one in opinions])
        return Quality(self._combined(scored), _worst(opinions, scored))

    def _scaled(self, scores: Scores) -> Scores:
        return scores if self._scale == "score" else _shares(scores)

    def _combined(self, scored: _Table) -> Scores:
        mean: Scores = self._weights @ scored / self._weights.sum()
        if self._by == "mean":
            return mean
        worst: Scores = scored.min(axis=0)
        return worst + _TIES * (mean - worst)


def _shares(scores: Scores) -> Scores:
    """The share of scores below each one, and half of those equal to it."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    shares: Scores = (below + counts / 2)[inverse] / max(1, len(scores))
    return shares


def _worst(opinions: Sequence[Quality], scored: _Table) -> Callable[[int], str]:
    """The reason that the pruner gives that thinks worst of a passage, the first of several."""
    return lambda position: opinions[int(scored[:, position].argmin())].why(position)
