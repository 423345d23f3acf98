"""Conformance suites: what each protocol promises, as tests that a plug-in's author inherits.

    from rag.testing import ChunkerSuite

    class TestMyChunker(ChunkerSuite):
        def make(self) -> MyChunker:
            return MyChunker(size=64)

Subclass the suite of the protocol, override its factory, and run pytest. Every law in
`rag.protocols` is one test. Needs pytest.
"""

from __future__ import annotations

import pytest

_SUITES = (
    "answerer",
    "chunker",
    "connector",
    "encoder",
    "expander",
    "fuser",
    "lexical",
    "pruner",
    "reranker",
    "retriever",
    "rewriter",
    "selector",
    "store",
)
pytest.register_assert_rewrite(*(f"rag.testing.{name}" for name in _SUITES))

# Assertions are rewritten only in modules that are imported after they were registered.
from rag.testing.answerer import AnswererSuite  # noqa: E402
from rag.testing.chunker import ChunkerSuite  # noqa: E402
from rag.testing.connector import ConnectorSuite  # noqa: E402
from rag.testing.encoder import EncoderSuite  # noqa: E402
from rag.testing.expander import ExpanderSuite  # noqa: E402
from rag.testing.fuser import FuserSuite  # noqa: E402
from rag.testing.hashing import HashingEncoder  # noqa: E402
from rag.testing.lexical import LexicalSuite  # noqa: E402
from rag.testing.memory import MemoryView  # noqa: E402
from rag.testing.pruner import PrunerSuite  # noqa: E402
from rag.testing.reranker import RerankerSuite  # noqa: E402
from rag.testing.retriever import RetrieverSuite  # noqa: E402
from rag.testing.rewriter import RewriterSuite  # noqa: E402
from rag.testing.samples import DOCUMENTS, passages_of  # noqa: E402
from rag.testing.selector import SelectorSuite  # noqa: E402
from rag.testing.store import StoreSuite, StoreUnderTest  # noqa: E402

__all__ = [
    "DOCUMENTS",
    "AnswererSuite",
    "ChunkerSuite",
    "ConnectorSuite",
    "EncoderSuite",
    "ExpanderSuite",
    "FuserSuite",
    "HashingEncoder",
    "LexicalSuite",
    "MemoryView",
    "PrunerSuite",
    "RerankerSuite",
    "RetrieverSuite",
    "RewriterSuite",
    "SelectorSuite",
    "StoreSuite",
    "StoreUnderTest",
    "passages_of",
]
