"""Retrievers read what is meant for their arm, with the weights that were given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
import pytest
from embedded import Embedded, whole

from rag.arms import texts_of, vector_of, vectors_of
from rag.errors import IndexMismatchError
from rag.protocols import Vectors
from rag.retrieve.bm25 import Bm25Retriever
from rag.retrieve.dense import DenseRetriever
from rag.store.view import StoreView
from rag.testing import HashingEncoder, MemoryView
from rag.types import Condition, Example, Passage, Query, Variant

TEXTS = {
    "ferry": "The ferry leaves the harbour at nine, and dogs travel free.",
    "lamp": "The keeper lights the lamp at dusk and trims its wick.",
    "oil": "Oil for the lamp comes in March.",
    "tides": "The harbour master writes the tide tables.",
}
How: TypeAlias = Literal["mean", "each"]
HOW: tuple[How, ...] = ("mean", "each")
QUERY = Query("when does it leave", filters=(Condition("kind", "=", "note"),))
LAMP, FERRY = Variant("lamp wick", 0.5), Variant("ferry harbour", 2.0)


class Counting(HashingEncoder):
    """Remembers what it was asked to encode."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[Sequence[str]] = []

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        self.questions.append(list(texts))
        return super().encode_queries(texts)


@pytest.fixture(scope="module")
def encoder() -> Counting:
    return Counting()


@pytest.fixture(scope="module")
def view(encoder: Counting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreView]:
    store = Embedded(tmp_path_factory.mktemp("arms") / "index", encoder)
    store.put(*(whole(name, text, kind="note") for name, text in TEXTS.items()))
    with store.view() as opened:
        yield opened
    store.close()


def passage(view: StoreView, name: str) -> Passage:
    return next(p for p, _ in view.lexical([Variant(TEXTS[name])], 4) if p.document_id == name)


def test_each_arm_reads_its_own_variants() -> None:
    lexical, dense = replace(LAMP, arms="lexical"), replace(FERRY, arms="dense")
    query = replace(QUERY, variants=(FERRY, lexical, dense))
    assert texts_of(query, "lexical") == (Variant(QUERY.text), FERRY, lexical)
    assert texts_of(query, "dense") == (Variant(QUERY.text), FERRY, dense)


def test_a_variant_for_the_other_arm_changes_nothing(view: StoreView) -> None:
    query = replace(QUERY, text="lamp")
    for_dense = replace(query, variants=(replace(FERRY, arms="dense"),))
    for_lexical = replace(query, variants=(replace(FERRY, arms="lexical"),))
    bm25, dense = Bm25Retriever(k=4), DenseRetriever(k=4)
    assert bm25.retrieve(for_dense, view) == bm25.retrieve(query, view)
    assert bm25.retrieve(for_lexical, view) != bm25.retrieve(query, view)
    assert dense.retrieve(for_lexical, view) == dense.retrieve(query, view)
    assert dense.retrieve(for_dense, view) != dense.retrieve(query, view)


def test_hypotheses_and_examples_are_for_the_dense_arm(view: StoreView) -> None:
    query = replace(QUERY, text="lamp")
    led = replace(
        query, hypotheses=(FERRY,), examples=(Example(passage(view, "ferry")),), dense_weight=0.2
    )
    assert Bm25Retriever(k=4).retrieve(led, view) == Bm25Retriever(k=4).retrieve(query, view)
    assert DenseRetriever(k=1).retrieve(led, view)[0][0].document_id == "ferry"


def test_the_standalone_question_counts_once() -> None:
    query = replace(QUERY, standalone="When does the ferry leave")
    said = Variant("When does the ferry leave")
    assert texts_of(query, "lexical") == (Variant(QUERY.text), said)
    assert texts_of(replace(query, standalone="When  does it leave"), "lexical") == (
        Variant(QUERY.text),
    )
    # Where a rewriter says what it counts, that holds, also for an arm that is to leave it.
    given = Variant("when does the FERRY leave", 0.3, arms="lexical")
    both = replace(query, variants=(given,))
    assert texts_of(both, "lexical") == (Variant(QUERY.text), given)
    assert texts_of(both, "dense") == (Variant(QUERY.text),)
    # As hypotheses take the question's place, they take that of what it stands for.
    assert texts_of(replace(query, dense_weight=0.0), "dense") == ()


def test_the_vector_is_the_weighted_mean(view: StoreView, encoder: Counting) -> None:
    example = Example(passage(view, "oil"), 0.7)
    query = replace(
        QUERY, variants=(LAMP,), hypotheses=(FERRY,), examples=(example,), dense_weight=0.3
    )
    encoder.questions.clear()
    found = vector_of(query, view)
    assert encoder.questions == [[QUERY.text, LAMP.text]]  # one batch
    asked = encoder.encode_queries([QUERY.text, LAMP.text]).astype(np.float64)
    imagined = encoder.encode_passages([FERRY.text])[0]
    total = 0.3 * asked[0] + 0.5 * asked[1] + 2.0 * imagined
    total = total + 0.7 * view.vectors([example.passage])[0]
    assert found.dtype == np.float32
    assert np.abs(found - total / np.linalg.norm(total)).max() < 1e-6


def test_a_question_alone_is_encoded_as_it_is(view: StoreView, encoder: Counting) -> None:
    encoder.questions.clear()
    for variants in HOW:
        arm = DenseRetriever(k=2, variants=variants)
        expected = view.dense(encoder.encode_passages([QUERY.text])[0], 2, QUERY.filters)
        assert arm.retrieve(QUERY, view) == expected
    assert encoder.questions == [[QUERY.text]] * 2


def test_a_question_without_weight_is_not_encoded(view: StoreView, encoder: Counting) -> None:
    encoder.questions.clear()
    query = replace(QUERY, hypotheses=(FERRY,), dense_weight=0.0)
    vectors, weights = vectors_of(query, view)
    assert encoder.questions == []
    assert np.array_equal(vectors, encoder.encode_passages([FERRY.text]))
    assert weights.tolist() == [2.0]


@pytest.mark.parametrize("variants", HOW)
def test_without_any_weight_it_is_the_question(variants: How, view: StoreView) -> None:
    arm = DenseRetriever(k=4, variants=variants)
    weightless = replace(QUERY, variants=(replace(LAMP, weight=0.0),), dense_weight=0.0)
    assert arm.retrieve(weightless, view) == arm.retrieve(QUERY, view)


def test_vectors_that_cancel_out_are_the_question(view: StoreView) -> None:
    query = replace(QUERY, hypotheses=(Variant(QUERY.text, -1.0),))
    assert np.array_equal(vector_of(query, view), vector_of(QUERY, view))


def test_each_merges_by_weighted_reciprocal_ranks(view: StoreView, encoder: Counting) -> None:
    query = replace(QUERY, variants=(LAMP,), hypotheses=(FERRY,), dense_weight=0.25)
    vectors = [*encoder.encode_queries([QUERY.text, LAMP.text]),
               *encoder.encode_passages([FERRY.text])]  # fmt: skip
    expected: dict[str, float] = {}
    for weight, vector in zip((0.25, 0.5, 2.0), vectors, strict=True):
        for rank, (one, _) in enumerate(view.dense(vector, 3, QUERY.filters), 1):
            expected[one.id] = expected.get(one.id, 0.0) + weight / (60 + rank)
    found = DenseRetriever(k=3, variants="each").retrieve(query, view)
    assert len(found) == 3
    scores = [score for _, score in found]
    assert scores == pytest.approx(sorted(expected.values(), reverse=True)[:3])
    for one, score in found:
        assert score == pytest.approx(expected[one.id])
    assert len({one.id for one, _ in found}) == 3


def test_each_holds_filters_before_the_cut(view: StoreView) -> None:
    query = replace(QUERY, variants=(LAMP, FERRY), filters=(Condition("id", "=", "tides"),))
    found = DenseRetriever(k=1, variants="each").retrieve(query, view)
    assert [one.document_id for one, _ in found] == ["tides"]
    nothing = replace(query, filters=(Condition("id", "=", "no such"),))
    assert DenseRetriever(k=1, variants="each").retrieve(nothing, view) == []


class NoVectors(MemoryView):
    encoder = None


def test_an_index_without_vectors_is_refused() -> None:
    for variants in HOW:
        with pytest.raises(IndexMismatchError, match="no vectors"):
            DenseRetriever(variants=variants).retrieve(QUERY, NoVectors())
