"""Documents ranked by what their passages score (PARADE, Li et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rag.protocols import View
from rag.select.grouping import by_document, ranked
from rag.types import Hit, Query


class DocumentsSelector:
    """The best `passages` of each document, in the order of the documents' scores.

    A document scores as its best hit (`max`), its hit that stands first in it (`first`), or the
    mean of its hits (`mean`) or of the best `n` of them (`top`); what was not found of it does
    not count, so retrieve deep. `max` and `first` are MaxP and FirstP (Dai and Callan 2019),
    and the others take part in PARADE's comparison. Hits get the score of their document and
    keep what earlier stages said of them.
    """

    compares: ClassVar[bool] = True

    def __init__(
        self,
        *,
        score: Literal["max", "first", "mean", "top"] = "max",
        n: Annotated[int, Field(ge=1)] = 3,
        passages: Annotated[int, Field(ge=1)] = 1,
    ) -> None:
        self.score = score
        self.n = n
        self.passages = passages

    @classmethod
    def faults(cls, options: Mapping[str, object]) -> list[tuple[str, str]]:
        """`n` is for `top` alone."""
        if options.get("n") == 3 or options.get("score") == "top":
            return []
        return [("n", "'n' is for 'score: top': leave it out")]

    def select(self, query: Query, hits: Sequence[Hit], view: View) -> Sequence[Hit]:
        """Hits of all documents, each document's together."""
        return ranked([(self._score(found), found) for found in by_document(hits)], self.passages)

    def _score(self, hits: Sequence[Hit]) -> float:
        """The score of a document from its hits, best first."""
        if self.score == "first":
            return min(hits, key=lambda hit: hit.passage.order).score
        counted = {"max": 1, "top": self.n, "mean": len(hits)}[self.score]
        scores = [hit.score for hit in hits[:counted]]
        return math.fsum(scores) / len(scores)
