"""LangChain's own suites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import harbour
import pytest
from langchain_tests.integration_tests import (
    EmbeddingsIntegrationTests,
    RetrieversIntegrationTests,
    ToolsIntegrationTests,
)
from langchain_tests.unit_tests import EmbeddingsUnitTests, ToolsUnitTests

from rag import Rag
from rag.interop.langchain import RagEmbeddings, RagRetriever, RagTool
from rag.testing import HashingEncoder


@pytest.fixture(scope="module")
def rag(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rag]:
    with harbour.indexed(tmp_path_factory.mktemp("harbour")) as made:
        yield made


class OnAnIndex:
    rag: Rag

    @pytest.fixture(autouse=True)
    def _indexed(self, rag: Rag) -> None:
        self.rag = rag


class TestRetriever(OnAnIndex, RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> type[RagRetriever]:
        return RagRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"rag": self.rag}

    @property
    def retriever_query_example(self) -> str:
        return harbour.ASKED


class Tool(OnAnIndex):
    @property
    def tool_constructor(self) -> type[RagTool]:
        return RagTool

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return {"rag": self.rag}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"question": harbour.ASKED}


class TestTool(Tool, ToolsUnitTests):
    pass


class TestToolInUse(Tool, ToolsIntegrationTests):
    pass


class Embeddings:
    @property
    def embeddings_class(self) -> type[RagEmbeddings]:
        return RagEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"encoder": HashingEncoder()}


class TestEmbeddings(Embeddings, EmbeddingsUnitTests):
    pass


class TestEmbeddingsInUse(Embeddings, EmbeddingsIntegrationTests):
    pass


class TestEmbeddingsOfTheDefaultModel(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[RagEmbeddings]:
        return RagEmbeddings
