"""Encoders as embeddings of LangChain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.vectorstores import InMemoryVectorStore

from rag.errors import RequestError
from rag.interop.langchain import RagEmbeddings
from rag.testing import HashingEncoder


def test_a_registered_encoder_with_its_options(encoder_folder: Path) -> None:
    embeddings = RagEmbeddings("sentence-transformers", {"model": str(encoder_folder)})
    vectors = embeddings.embed_documents(["the ferry leaves at nine", "lamp oil"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1])
    assert len(vectors[0]) == embeddings.encoder.dimension == 16
    assert embeddings.embed_query("lamp oil") == pytest.approx(vectors[1], abs=1e-5)
    assert embeddings.embed_query("lamp \ud800") == embeddings.embed_query("lamp ?")
    assert embeddings.embed_documents(["\ud800"]) == embeddings.embed_documents(["?"])


def test_a_store_of_langchain_searches_with_them() -> None:
    store = InMemoryVectorStore(RagEmbeddings(HashingEncoder()))
    store.add_documents([Document(page_content=text) for text in ("lamp oil", "nine gulls")])
    assert store.similarity_search("oil lamp", k=1)[0].page_content == "lamp oil"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("sentence-transformer",), "did you mean 'sentence-transformers'"),
        (("sentence-transformers", {"modle": "x"}), "modle"),
        ((HashingEncoder(), {"model": "x"}), "it is built"),
        ((None,), "'NoneType' is no encoder"),
        ((5,), "'int' is no encoder"),
    ],
)
def test_what_is_no_encoder_is_refused_at_once(given: tuple[Any, ...], told: str) -> None:
    with pytest.raises(RequestError, match=told):
        RagEmbeddings(*given)
