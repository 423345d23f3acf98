"""A pipeline as a retriever of LangChain."""

from __future__ import annotations

from typing import Annotated, Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, SkipValidation

from rag.config import Cut
from rag.errors import RequestError
from rag.filters import Filters, as_filters
from rag.interop.langchain.documents import as_document
from rag.rag import Rag
from rag.types import Query, Ranking


class RagRetriever(BaseRetriever):
    """The passages that the pipeline of `rag` finds, best first; for metadata see `as_document`.

    All that the pipeline leaves is given, or the first `k`. `filters` hold beside those of a
    call: `retriever.invoke(question, k=3, filters="year>=2024")`. The index stays its owner's:
    close `rag` when nothing works with it any more. Raises what `Rag.search` raises, and
    RequestError where `k` is more than the pipeline can leave.
    """

    model_config = ConfigDict(extra="forbid")

    rag: Rag
    k: Annotated[int, Field(ge=1)] | None = None
    filters: SkipValidation[Filters] = ()

    def model_post_init(self, context: Any, /) -> None:
        """Refuse at once what no call could be made with."""
        super().model_post_init(context)
        self._checked(self.k)
        as_filters(self.filters)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        filters: Filters = (),
    ) -> list[Document]:
        cut = self._checked(self.k if k is None else k)
        return _documents(self.rag.search(self._query(query, filters)), cut)

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: int | None = None,
        filters: Filters = (),
    ) -> list[Document]:
        cut = self._checked(self.k if k is None else k)
        return _documents(await self.rag.asearch(self._query(query, filters)), cut)

    def _query(self, text: str, filters: Filters) -> Query:
        return Query(text, filters=(*as_filters(self.filters), *as_filters(filters)))

    def _checked(self, k: int | None) -> int | None:
        if k is not None and k < 1:
            raise RequestError(f"'k' is {k}: at least one passage is to be found")
        cuts = [stage.k for stage in self.rag.pipeline.stages if isinstance(stage, Cut)]
        if k is not None and cuts and k > min(cuts):
            place = cuts.index(min(cuts))
            raise RequestError(
                f"'k' is {k}, and the pipeline '{self.rag.pipeline.name}' leaves {min(cuts)}: open "
                f"the index with overrides=['query.cut[{place}].k={k}']"
            )
        return k


def _documents(ranking: Ranking, k: int | None) -> list[Document]:
    return [as_document(rank, hit) for rank, hit in enumerate(ranking.hits[:k], 1)]
