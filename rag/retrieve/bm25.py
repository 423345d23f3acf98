"""The lexical arm: BM25 over the question's terms, and its rewrites', weighted."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from rag.arms import texts_of
from rag.protocols import Ranked, View
from rag.types import Query


class Bm25Retriever:
    """The `k` passages that BM25 ranks highest for the question and its variants together."""

    needs: ClassVar[str] = "lexical"

    def __init__(self, *, k: Annotated[int, Field(ge=1, le=10_000)] = 100) -> None:
        self.k = k

    def retrieve(self, query: Query, view: View) -> Ranked:
        """The best passages with their scores."""
        return view.lexical(texts_of(query, "lexical"), self.k, query.filters)
