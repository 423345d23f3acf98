"""Rerankers as document compressors of LangChain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import ConfigDict, Field, PrivateAttr, SkipValidation

from rag.asked import as_query
from rag.chat.langchain import as_chat_model
from rag.errors import ModelError, RequestError
from rag.interop.langchain.building import built
from rag.interop.langchain.documents import as_passage
from rag.protocols import ChatModel, Encoder, Reranker


class RagCompressor(BaseDocumentCompressor):
    """Documents of any origin in the order of one of our rerankers, the first `top_n` of them.

    `reranker` is the name of a registered one with its `options`, or one that is built.
    `encoder`, such as `rag.encoder`, and `chat`, a chat model of LangChain or ours, are for those
    that work with one. Documents keep what they say, their metadata and their id, and get
    `relevance_score` in the metadata, in the reranker's own unit; those that tie stay in their
    order. Those of `RagRetriever` are read with their context, as a pipeline's reranker reads
    them. Raises RequestError where there is no such reranker or `options` do not fit it, and
    what the reranker raises: ModelError, ChatError.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    reranker: SkipValidation[str | Reranker] = "cross-encoder"
    options: Mapping[str, Any] = Field(default_factory=dict)
    top_n: Annotated[int, Field(ge=1)] | None = None
    encoder: SkipValidation[Encoder | None] = None
    chat: SkipValidation[ChatModel | BaseChatModel | None] = None
    _built: Reranker = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Build the reranker; its model is loaded when it first scores."""
        super().model_post_init(context)
        self._built = self._made()

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """The best of `documents` for the question `query`, best first."""
        asked = as_query(query, ()).text
        passages = [as_passage(place, document) for place, document in enumerate(documents)]
        scores = [float(score) for score in self._built.score(asked, passages)] if passages else []
        if not all(map(math.isfinite, scores)):
            raise ModelError(
                f"reranker '{self._name}' gave a score that is no number: take another model, or "
                "'dtype: float32'"
            )
        scored = zip(documents, scores, strict=True)
        ranked = sorted(scored, key=lambda one: -one[1])
        return [_told(document, score) for document, score in ranked[: self.top_n]]

    def as_runnable(self) -> Runnable[Mapping[str, Any], list[Document]]:
        """The same as a link of a chain: of {"question": TEXT, "documents": [...]}.

        For `RunnablePassthrough.assign(documents=compressor.as_runnable())`.
        """

        def compressed(asked: Mapping[str, Any]) -> list[Document]:
            return self.compress_documents(asked["documents"], asked["question"])

        return RunnableLambda(compressed, name=type(self).__name__)

    @property
    def _name(self) -> str:
        return self.reranker if isinstance(self.reranker, str) else type(self.reranker).__name__

    def _made(self) -> Reranker:
        chat = None if self.chat is None else as_chat_model(self.chat)
        if isinstance(self.reranker, str):
            made: Reranker = built(
                "reranker", self.reranker, self.options, encoder=self.encoder, chat=chat
            )
            return made
        if self.options or self.encoder is not None or chat is not None:
            raise RequestError(
                "'options', 'encoder' and 'chat' are for a reranker given by name, and it is built"
            )
        if not callable(getattr(self.reranker, "score", None)):
            raise RequestError(
                f"an object of type '{self._name}' is no reranker: give the name of a registered "
                "one, or an object with 'score' (rag.protocols.Reranker)"
            )
        return self.reranker


def _told(document: Document, score: float) -> Document:
    return document.model_copy(update={"metadata": {**document.metadata, "relevance_score": score}})
