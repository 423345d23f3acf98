"""Retrievers, fusers, rewriters, rerankers and answerers keep their laws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from embedded import Embedded

from rag.answer.extractive import ExtractiveAnswerer
from rag.expand.parent import ParentExpander
from rag.expand.window import WindowExpander
from rag.fuse.convex import ConvexFuser
from rag.fuse.rrf import RrfFuser
from rag.protocols import Answerer, Expander, Fuser, Reranker, Retriever, Rewriter, View
from rag.retrieve.bm25 import Bm25Retriever
from rag.retrieve.dense import DenseRetriever
from rag.store.view import StoreView
from rag.testing import (
    DOCUMENTS,
    AnswererSuite,
    ExpanderSuite,
    FuserSuite,
    RerankerSuite,
    RetrieverSuite,
    RewriterSuite,
    passages_of,
)
from rag.types import Passage, Query, Variant


class TestBm25Retriever(RetrieverSuite):
    arm = "lexical"

    def make(self, k: int) -> Retriever:
        return Bm25Retriever(k=k)


class TestDenseRetriever(RetrieverSuite):
    arm = "dense"

    def make(self, k: int) -> Retriever:
        return DenseRetriever(k=k)


class OnTheStore(RetrieverSuite):
    @pytest.fixture(autouse=True)
    def _stored(self, tmp_path: Path) -> Iterator[None]:
        store = Embedded(tmp_path / "index")
        store.commit([(document, passages_of(document)) for document in DOCUMENTS])
        with store.view() as view:
            self.stored: StoreView = view
            yield
        store.close()

    def view(self) -> View:
        return self.stored


class TestBm25RetrieverOnTheStore(OnTheStore):
    arm = "lexical"

    def make(self, k: int) -> Retriever:
        return Bm25Retriever(k=k)


class TestDenseRetrieverOnTheStore(OnTheStore):
    arm = "dense"

    def make(self, k: int) -> Retriever:
        return DenseRetriever(k=k)


class TestDenseRetrieverOfEachVariant(OnTheStore):
    arm = "dense"

    def make(self, k: int) -> Retriever:
        return DenseRetriever(k=k, variants="each")


class TestRrfFuser(FuserSuite):
    def make(self) -> Fuser:
        return RrfFuser()


class TestWeightedRrfFuser(FuserSuite):
    symmetric = False

    def make(self) -> Fuser:
        return RrfFuser(k=10, weights=[2.0, 1.0])


class TestConvexFuser(FuserSuite):
    def make(self) -> Fuser:
        return ConvexFuser(alpha=0.5)


class TestZScoreFuser(FuserSuite):
    symmetric = False

    def make(self) -> Fuser:
        return ConvexFuser(alpha=0.3, normalise="z-score")


class SynonymRewriter:
    """Adds a variant for each word that it knows another for."""

    known: ClassVar = {"leave": "depart", "oil": "fuel", "lamp": "light"}

    def rewrite(self, query: Query, view: View) -> Query:
        found = [word for word in query.text.split() if word in self.known]
        added = (Variant(query.text.replace(word, self.known[word]), 0.5) for word in found)
        return replace(query, variants=(*query.variants, *added))


class TestSynonymRewriter(RewriterSuite):
    def make(self) -> Rewriter:
        return SynonymRewriter()


class OverlapReranker:
    """Scores by the share of the question's words in a passage."""

    def score(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
        asked = set(question.lower().strip("?").split())
        return [len(asked & set(one.text.lower().split())) / len(asked) for one in passages]


class TestOverlapReranker(RerankerSuite):
    def make(self) -> Reranker:
        return OverlapReranker()


class TestExtractiveAnswerer(AnswererSuite):
    def make(self) -> Answerer:
        return ExtractiveAnswerer(min_score=0.4)


class TestWindowExpander(ExpanderSuite):
    def make(self) -> Expander:
        return WindowExpander(sentences=1)


class TestParentExpander(ExpanderSuite):
    def make(self) -> Expander:
        return ParentExpander(max_words=30)
