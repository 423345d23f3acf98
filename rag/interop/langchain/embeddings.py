"""Encoders as embeddings of LangChain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.embeddings import Embeddings

from rag.errors import RequestError
from rag.interop.langchain.building import built
from rag.interop.langchain.texts import encodable
from rag.protocols import Encoder


class RagEmbeddings(Embeddings):
    """Vectors of one of our encoders, for stores and splitters of LangChain.

    `encoder` is the name of a registered one with its `options`, or one that is built, such as
    `rag.encoder`. Vectors have length one. Questions and documents are encoded by different
    methods, as the model declares it. Its model is loaded when it first encodes. Threads may
    share one; the async methods work in LangChain's threads. Raises RequestError where there is
    no such encoder, or where `options` do not fit it.
    """

    def __init__(
        self,
        encoder: str | Encoder | None = "sentence-transformers",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.encoder: Encoder = _encoder(encoder, options or {})

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector of `encoder.dimension` numbers for each of `texts`, in order."""
        if not texts:
            return []
        vectors: list[list[float]] = self.encoder.encode_passages(
            list(map(encodable, texts))
        ).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        vector: list[float] = self.encoder.encode_queries([encodable(text)])[0].tolist()
        return vector


def _encoder(encoder: str | Encoder | None, options: Mapping[str, Any]) -> Encoder:
    if isinstance(encoder, str):
        made: Encoder = built("encoder", encoder, options)
        return made
    if options:
        raise RequestError("'options' are those of an encoder given by name, and it is built")
    if encoder is None or not callable(getattr(encoder, "encode_passages", None)):
        raise RequestError(
            f"an object of type '{type(encoder).__name__}' is no encoder: give the name of a "
            "registered one, or an object with 'encode_passages' (rag.protocols.Encoder)"
        )
    return encoder
