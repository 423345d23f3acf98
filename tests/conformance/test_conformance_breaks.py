"""Every suite can fail: components that break a law are caught."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from embedded import Embedded

from rag import testing
from rag.chunk.fixed import FixedChunker
from rag.fuse.rrf import RrfFuser
from rag.protocols import (
    Answerer,
    Chunker,
    Collection,
    Connector,
    Encoder,
    Expander,
    Fuser,
    Ids,
    LexicalEngine,
    LexicalEntry,
    Pruner,
    Quality,
    Ranked,
    Reranker,
    Retriever,
    Rewriter,
    Tokenizer,
    Vectors,
    View,
)
from rag.retrieve.bm25 import Bm25Retriever
from rag.store.rank_bm25 import RankBm25Engine
from rag.types import (
    Answer,
    Citation,
    Condition,
    Document,
    Failure,
    Hit,
    Item,
    Passage,
    Query,
)


def breaks(law: Callable[..., None], *arguments: Any) -> None:
    """`law` must fail."""
    with pytest.raises(AssertionError):
        law(*arguments)


class TwiceConnector:
    def items(self) -> Iterator[Item | Failure]:
        for text in ("first", "second"):
            yield Item("same", "same", text, lambda text=text: Document("same", "same", text))  # type: ignore[misc]

    def covers(self, source: str) -> bool:
        return True


class TwiceConnectorSuite(testing.ConnectorSuite):
    def make(self, folder: Path) -> Connector:
        return TwiceConnector()


def test_connector_suite_catches_equal_ids(tmp_path: Path) -> None:
    breaks(TwiceConnectorSuite().test_ids_are_unique, tmp_path)
    breaks(TwiceConnectorSuite().test_bad_item_is_reported_and_the_rest_go_on, tmp_path)


class FirstHalfChunker:
    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        text = document.text[: len(document.text) // 2]
        yield Passage(document.id, 0, len(text), text.upper(), document.source, document.title)


class FirstHalfSuite(testing.ChunkerSuite):
    def make(self) -> Chunker:
        return FirstHalfChunker()


class TooLongChunker(FixedChunker):
    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        yield Passage(document.id, 0, len(document.text), document.text)


class TooLongSuite(testing.ChunkerSuite):
    def make(self) -> Chunker:
        return TooLongChunker()


def test_chunker_suite_catches_lost_and_changed_text() -> None:
    breaks(FirstHalfSuite().test_passages_are_spans_of_the_document)
    breaks(FirstHalfSuite().test_all_text_is_covered)
    breaks(FirstHalfSuite().test_passages_have_text)


def test_chunker_suite_catches_passages_that_are_too_long() -> None:
    breaks(TooLongSuite().test_passages_fit_the_encoder)


class ForgetfulPruner:
    """Misses the last passage, remembers earlier collections, and has no reasons."""

    needs_vectors = False

    def __init__(self) -> None:
        self.seen = 0

    def judge(self, collection: Collection) -> Quality:
        self.seen += len(collection)
        scores = np.arange(self.seen, self.seen + len(collection) - 1, dtype=np.float64)
        return Quality(scores, lambda at: "")


class ForgetfulPrunerSuite(testing.PrunerSuite):
    def make(self) -> Pruner:
        return ForgetfulPruner()


def test_pruner_suite_catches_what_is_missed_or_remembered() -> None:
    breaks(ForgetfulPrunerSuite().test_every_passage_is_judged)
    breaks(ForgetfulPrunerSuite().test_the_worst_has_a_reason)
    breaks(ForgetfulPrunerSuite().test_judging_is_repeatable)
    breaks(ForgetfulPrunerSuite().test_an_earlier_collection_is_forgotten)


class CentredEncoder(testing.HashingEncoder):
    """Its vectors depend on the batch."""

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        vectors = super().encode_passages(texts)
        return (vectors - vectors.mean(axis=0)).astype(np.float32) if len(texts) else vectors


class CentredEncoderSuite(testing.EncoderSuite):
    def make(self) -> Encoder:
        return CentredEncoder()


def test_encoder_suite_catches_batch_dependence() -> None:
    breaks(CentredEncoderSuite().test_batches_do_not_matter)
    breaks(CentredEncoderSuite().test_rows_have_length_one)


class KeepingEngine(RankBm25Engine):
    """Forgets to delete."""

    def update(
        self, old: Path | None, new: Path, deleted: Ids, added: Iterable[LexicalEntry]
    ) -> None:
        super().update(old, new, np.empty(0, np.int64), added)


class KeepingEngineSuite(testing.LexicalSuite):
    def make(self) -> LexicalEngine:
        return KeepingEngine()


def test_lexical_suite_catches_rows_that_stay(tmp_path: Path) -> None:
    breaks(KeepingEngineSuite().test_deleted_rows_are_gone, tmp_path)


class KeepingStore(Embedded):
    def commit(
        self,
        added: Sequence[tuple[Document, Sequence[Passage]]],
        removed: Sequence[str] = (),
        *,
        fail: bool = False,
    ) -> None:
        super().commit(added)


class KeepingStoreSuite(testing.StoreSuite):
    def open(self, folder: Path, encoder: Encoder) -> Embedded:
        return KeepingStore(folder, encoder)


def test_store_suite_catches_documents_that_stay(tmp_path: Path) -> None:
    breaks(KeepingStoreSuite().test_delete_removes_from_both, tmp_path / "a")
    breaks(KeepingStoreSuite().test_commit_is_all_or_nothing, tmp_path / "b")


class LateFilterRetriever(Bm25Retriever):
    """Filters what is left after the cut."""

    def retrieve(self, query: Query, view: View) -> list[tuple[Passage, float]]:
        found = super().retrieve(replace(query, filters=()), view)
        wanted = {one.value for one in query.filters if isinstance(one, Condition)}
        return [pair for pair in found if not wanted or pair[0].document_id in wanted]


class LateFilterSuite(testing.RetrieverSuite):
    def make(self, k: int) -> Retriever:
        return LateFilterRetriever(k=k)


def test_retriever_suite_catches_late_filters() -> None:
    breaks(LateFilterSuite().test_filters_hold_before_the_cut)


class FirstVariantRetriever(Bm25Retriever):
    def retrieve(self, query: Query, view: View) -> Ranked:
        led = query.variants[0].text if query.variants else query.text
        return super().retrieve(replace(query, text=led, variants=()), view)


class FirstVariantSuite(testing.RetrieverSuite):
    arm = "lexical"

    def make(self, k: int) -> Retriever:
        return FirstVariantRetriever(k=k)


def test_retriever_suite_catches_what_is_read_wrongly() -> None:
    breaks(FirstVariantSuite().test_order_of_additions_does_not_matter)
    breaks(FirstVariantSuite().test_variants_for_another_arm_change_nothing)


class FirstArmFuser(RrfFuser):
    def fuse(self, arms: Sequence[Sequence[Hit]]) -> list[tuple[Passage, float]]:
        return [(hit.passage, hit.score) for hit in arms[0]]


class FirstArmSuite(testing.FuserSuite):
    def make(self) -> Fuser:
        return FirstArmFuser()


def test_fuser_suite_catches_lost_arms_and_order() -> None:
    breaks(FirstArmSuite().test_every_passage_once)
    breaks(FirstArmSuite().test_order_of_arms_does_not_matter)
    breaks(FirstArmSuite().test_order_within_an_arm_does_not_matter)


class ReplacingRewriter:
    def rewrite(self, query: Query, view: View) -> Query:
        return Query("something else")


class ReplacingRewriterSuite(testing.RewriterSuite):
    def make(self) -> Rewriter:
        return ReplacingRewriter()


def test_rewriter_suite_catches_a_lost_original() -> None:
    breaks(ReplacingRewriterSuite().test_the_original_is_kept)


class PlaceReranker:
    def score(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
        return [float(place) for place, _ in enumerate(passages)]


class PlaceRerankerSuite(testing.RerankerSuite):
    def make(self) -> Reranker:
        return PlaceReranker()


def test_reranker_suite_catches_scores_by_place() -> None:
    breaks(PlaceRerankerSuite().test_scores_belong_to_their_passages)
    breaks(PlaceRerankerSuite().test_batches_do_not_matter)


class InventingAnswerer:
    def answer(self, query: Query, hits: Sequence[Hit], view: View) -> Answer:
        cited = Citation("ferry", "ferry.txt", 0, 8, "At noon.")
        return Answer(query.text, "At noon.", abstained=False, citations=(cited,))


class InventingAnswererSuite(testing.AnswererSuite):
    def make(self) -> Answerer:
        return InventingAnswerer()


def test_answerer_suite_catches_inventions() -> None:
    breaks(InventingAnswererSuite().test_citations_quote_their_documents)
    breaks(InventingAnswererSuite().test_abstains_rather_than_invents)


class BeyondExpander:
    """Goes from the middle of a passage beyond the end of its document."""

    calls = 0

    def expand(self, passage: Passage, document: Document) -> tuple[int, int]:
        BeyondExpander.calls += 1
        start = passage.start + (2 if passage.context or self.calls % 3 else 1)
        return start, len(document.text) + 1


class BeyondSuite(testing.ExpanderSuite):
    def make(self) -> Expander:
        return BeyondExpander()


class IdleSuite(testing.ExpanderSuite):
    def make(self) -> Expander:
        class Idle:
            def expand(self, passage: Passage, document: Document) -> tuple[int, int]:
                return passage.start, passage.end

        return Idle()


def test_expander_suite_catches_spans_that_lose_or_invent() -> None:
    breaks(BeyondSuite().test_the_span_holds_the_passage)
    breaks(BeyondSuite().test_the_span_lies_in_the_document)
    breaks(BeyondSuite().test_expanding_is_repeatable)
    breaks(BeyondSuite().test_the_place_is_all_that_counts)
    breaks(IdleSuite().test_something_is_added)
