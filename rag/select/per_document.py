"""A cap on the hits of each document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from rag.protocols import View
from rag.tracing import note
from rag.types import Hit, Query


class PerDocumentSelector:
    """The first `most` hits of each document, so that a long one leaves room for others.

    Order alone counts, and stays. A note tells how many hits were left out.
    """

    def __init__(self, *, most: Annotated[int, Field(ge=1)] = 2) -> None:
        self.most = most

    def select(self, query: Query, hits: Sequence[Hit], view: View) -> Sequence[Hit]:
        """The hits that are left, in their order."""
        seen: Counter[str] = Counter()
        kept = []
        for hit in hits:
            seen[hit.passage.document_id] += 1
            if seen[hit.passage.document_id] <= self.most:
                kept.append(hit)
        if left := len(hits) - len(kept):
            note(f"{left} left out: of documents with {self.most} before them")
        return kept
