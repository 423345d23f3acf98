"""Feedback: RM3 for the lexical arm and Rocchio for the dense one, against sums by hand."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from embedded import Embedded, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.arms import vector_of
from rag.config import parse_pipeline
from rag.errors import IndexMismatchError, PipelineError
from rag.pipeline import run
from rag.protocols import Rewriter, View
from rag.retrieve.bm25 import Bm25Retriever
from rag.retrieve.dense import DenseRetriever
from rag.rewrite.feedback import FeedbackRewriter
from rag.stages.rewrite import RewriteStage
from rag.stages.stage import Stage
from rag.store.store import Store
from rag.store.tantivy import TantivyEngine
from rag.store.view import StoreView
from rag.testing import MemoryView, RewriterSuite
from rag.types import Block, Condition, Example, Passage, Query, Variant

TEXTS = {
    "ferry": "The ferry leaves the harbour at nine. Ferries carry dogs, and dogs travel free.",
    "harbour": "The harbour master watches ferries and the tides of the harbour.",
    "tides": "Tides rise and fall; the master writes the tide tables for every boat.",
    "lamp": "The keeper lights the lamp at dusk and trims the lamps' wicks.",
    "oil": "Oil for the lamp comes in March, with wicks and bread.",
    "bread": "Bread is baked on Mondays by the keeper's sister.",
    "dogs": "Dogs sleep in the harbour when no boat sails.",
    "東京": "東京は日本の首都です。東京の人口は多い。",
}
DOCUMENTS = [
    whole(name, text, kind="sea" if "harbour" in text else "land") for name, text in TEXTS.items()
]
QUERY = Query("ferries in the harbour")
# Each arm learns from its own passages, in so small an index from terms that most of them have.
SMALL: dict[str, Any] = {"source": "own", "passages": 3, "terms": 4, "common": 1.0}


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreView]:
    store = Embedded(tmp_path_factory.mktemp("feedback") / "index")
    store.put(*DOCUMENTS)
    with store.view() as opened:
        yield opened
    store.close()


class TestFeedback(RewriterSuite):
    def make(self) -> Rewriter:
        return FeedbackRewriter(common=1.0)


class TestLexicalFeedback(RewriterSuite):
    def make(self) -> Rewriter:
        return FeedbackRewriter(arms="lexical", common=1.0)


class TestFeedbackOfTheOtherArm(RewriterSuite):
    def make(self) -> Rewriter:
        return FeedbackRewriter(source="other", common=1.0)


def weights(texts: Sequence[Variant], view: View) -> dict[str, float]:
    """What each term weighs in all."""
    summed: dict[str, float] = {}
    for one in texts:
        for term in view.terms(one.text):
            summed[term] = summed.get(term, 0.0) + one.weight
    return summed


def rm3(view: View, passages: int, terms: int, weight: float) -> dict[str, float]:
    """RM3 by its formula: `(1 - weight) * tf / |q|` plus `weight` times the relevance model."""
    found = view.lexical([Variant(QUERY.text)], passages)
    model: dict[str, float] = {}
    for passage, score in found:
        counts = Counter(view.terms(passage.text))
        for term, count in counts.items():
            share = score / sum(one for _, one in found)
            model[term] = model.get(term, 0.0) + share * count / sum(counts.values())
    best = dict(sorted(model.items(), key=lambda pair: (-pair[1], pair[0]))[:terms])
    asked = Counter(view.terms(QUERY.text))
    mixed = {term: (1 - weight) * n / sum(asked.values()) for term, n in asked.items()}
    for term, share in best.items():
        mixed[term] = mixed.get(term, 0.0) + weight * share / sum(best.values())
    return mixed


@pytest.mark.parametrize(("passages", "terms", "weight"), [(3, 4, 0.5), (2, 9, 0.2), (1, 1, 0.9)])
def test_term_weights_are_rm3(view: StoreView, passages: int, terms: int, weight: float) -> None:
    rewriter = FeedbackRewriter(
        arms="lexical", source="own", passages=passages, terms=terms, weight=weight, common=1.0
    )
    variants = rewriter.rewrite(QUERY, view).variants
    assert len(variants) == terms
    found = weights((Variant(QUERY.text), *variants), view)
    expected = rm3(view, passages, terms, weight)
    assert found.keys() == expected.keys()
    total = sum(found.values())
    for term, share in expected.items():
        assert found[term] / total == pytest.approx(share, rel=1e-9)
    added = sum(one.weight for one in variants)
    assert added / (added + len(view.terms(QUERY.text))) == pytest.approx(weight)


def test_terms_are_said_by_their_most_frequent_word(view: StoreView) -> None:
    variants = FeedbackRewriter(arms="lexical", **SMALL).rewrite(QUERY, view).variants
    said = {one.text for one in variants}
    assert "harbour" in said
    assert "ferries" in said  # twice, and "ferry" once
    assert all(one.arms == "lexical" and one.by == "feedback" for one in variants)
    assert all(len(view.terms(one.text)) == 1 for one in variants)


def test_a_term_that_repeats_the_question_keeps_its_weight(view: StoreView) -> None:
    query = Query("Harbour")
    rewriter = FeedbackRewriter(arms="lexical", **SMALL)
    wanted = weights((Variant(query.text), *rewriter.rewrite(query, view).variants), view)
    ranking = run([RewriteStage("feedback", rewriter)], query, view)
    kept = weights((Variant(query.text), *ranking.query.variants), view)
    assert kept == wanted
    assert kept["harbour"] > 1


def test_earlier_rewrites_are_part_of_the_question(view: StoreView) -> None:
    query = replace(QUERY, variants=(Variant("lamp wick", 0.5),))
    rewriter = FeedbackRewriter(arms="lexical", weight=0.25, **SMALL)
    variants = rewriter.rewrite(query, view).variants
    assert variants[:1] == query.variants
    own = 2 + 2 * 0.5
    assert sum(one.weight for one in variants[1:]) == pytest.approx(own / 3)


def test_common_and_single_letters_are_left_out(view: StoreView) -> None:
    rewriter = FeedbackRewriter(arms="lexical", source="own", passages=8, terms=200, common=0.3)
    said = {one.text for one in rewriter.rewrite(QUERY, view).variants}
    # Three of the eight have the harbour: a share of about 0.39, as idf has it.
    assert "tides" in said
    assert "harbour" not in said
    assert min(map(len, said)) > 1


def test_scripts_without_spaces(view: StoreView) -> None:
    rewriter = FeedbackRewriter(arms="lexical", source="own", passages=1, terms=5, common=1.0)
    variants = rewriter.rewrite(Query("東京"), view).variants
    assert len(variants) == 5
    assert all(view.terms(one.text) for one in variants)
    (tokyo,) = (one for one in variants if one.text.startswith("東京"))
    assert tokyo.weight == max(one.weight for one in variants)


def test_two_languages_in_one_index(tmp_path: Path) -> None:
    store = Embedded(tmp_path / "index", engine=TantivyEngine())
    german = "Die Häuser am Hafen sind alt, und die Häuser der Fischer sind klein und bunt bemalt."
    english = "The houses at the harbour are old, and the fishermen's houses are small and bright."
    store.put(whole("de", german), whole("en", english))
    with store.view() as view:
        assert sorted(view.generation.languages) == ["de", "en"]
        rewriter = FeedbackRewriter(arms="lexical", source="own", passages=1, terms=50, common=1.0)
        said = {one.text for one in rewriter.rewrite(Query("Häuser Hafen"), view).variants}
        assert {"häuser", "hafen", "fischer"} <= said
        # Stop words of German alone: English would count them, and no passage has them.
        assert not said & {"die", "und", "sind", "am"}
    store.close()


def unit(vector: Any) -> Any:
    return vector / np.linalg.norm(vector)


def test_the_vector_is_rocchio_s(view: StoreView) -> None:
    assert view.encoder is not None
    asked = view.encoder.encode_queries([QUERY.text])[0]
    near = [passage for passage, _ in view.dense(asked, 3)]
    mean = view.vectors(near).astype(np.float64).mean(axis=0)
    rewriter = FeedbackRewriter(arms="dense", source="own", dense_passages=3, dense_weight=0.3)
    rewritten = rewriter.rewrite(QUERY, view)
    assert [one.passage for one in rewritten.examples] == near
    assert np.abs(vector_of(rewritten, view) - unit(0.7 * asked + 0.3 * mean)).max() < 1e-6


def test_examples_stand_beside_hypotheses(view: StoreView) -> None:
    assert view.encoder is not None
    query = Query("x", hypotheses=(Variant(TEXTS["lamp"], 2.0),), dense_weight=0.0)
    rewriter = FeedbackRewriter(arms="dense", source="own", dense_passages=2, dense_weight=0.5)
    rewritten = rewriter.rewrite(query, view)
    imagined = view.encoder.encode_passages([TEXTS["lamp"]])[0]
    mean = view.vectors([one.passage for one in rewritten.examples]).mean(axis=0)
    assert np.abs(vector_of(rewritten, view) - unit(imagined + mean)).max() < 1e-6


def test_an_arm_can_learn_from_the_other(view: StoreView) -> None:
    lexical = [passage for passage, _ in view.lexical([Variant(QUERY.text)], 2)]
    rewriter = FeedbackRewriter(arms="dense", source="other", dense_passages=2)
    assert [one.passage for one in rewriter.rewrite(QUERY, view).examples] == lexical
    both = FeedbackRewriter(arms="dense", source="both", dense_passages=1)
    (best,) = both.rewrite(QUERY, view).examples
    assert best.passage == lexical[0]


def test_filters_hold_for_what_is_looked_at(view: StoreView) -> None:
    query = replace(QUERY, filters=(Condition("kind", "=", "land"),))
    rewritten = FeedbackRewriter(**SMALL).rewrite(query, view)
    assert {one.passage.metadata["kind"] for one in rewritten.examples} == {"land"}
    nothing = replace(QUERY, filters=(Condition("kind", "=", "sky"),))
    for source in ("own", "other", "both"):
        assert FeedbackRewriter(**{**SMALL, "source": source}).rewrite(nothing, view) == nothing


def test_a_question_that_finds_nothing_stays(view: StoreView) -> None:
    for text in ("zzzz qqqq", "the of and", "?"):
        query = Query(text)
        assert FeedbackRewriter(arms="lexical", **SMALL).rewrite(query, view) == query


class NoVectors(MemoryView):
    encoder = None


def test_an_index_with_one_arm(tmp_path: Path) -> None:
    rewritten = FeedbackRewriter(common=1.0).rewrite(Query("the ferry"), NoVectors())
    assert rewritten.variants
    assert not rewritten.examples
    with pytest.raises(IndexMismatchError, match="no vectors"):
        FeedbackRewriter(arms="dense").rewrite(Query("the ferry"), NoVectors())


def test_an_index_of_vectors_alone(tmp_path: Path) -> None:
    embedded = Embedded(tmp_path / "index")
    embedded.store.close()
    embedded.store = Store.create(tmp_path / "dense", None, dense=True, pipeline={})
    embedded.put(*DOCUMENTS)
    with embedded.view() as view:
        for source in ("own", "both"):
            rewritten = FeedbackRewriter(source=source).rewrite(QUERY, view)
            assert rewritten.examples
            assert not rewritten.variants
        with pytest.raises(IndexMismatchError, match="no lexical part"):
            FeedbackRewriter(arms="lexical").rewrite(QUERY, view)
        with pytest.raises(IndexMismatchError, match="no lexical part"):
            FeedbackRewriter(arms="dense", source="other").rewrite(QUERY, view)
    embedded.close()


def test_a_pipeline_that_lacks_the_arm_is_refused() -> None:
    def check(options: str, index: str, retrieve: str) -> None:
        text = (
            f"name: x\nindex:\n  chunk: {{use: fixed}}\n  {index}\nquery:\n"
            f"  - rewrite: {{use: feedback{options}}}\n  - retrieve: {{use: {retrieve}}}\n"
        )
        parse_pipeline(text, "x.yaml")

    lexical = ("lexical: {use: bm25}", "bm25")
    dense = ("encode: {use: sentence-transformers}", "dense")
    check("", *lexical)
    check(", arms: lexical", *lexical)
    check(", arms: dense, source: both", *dense)
    for options, missing in ((", arms: dense", "encode"), (", source: other", "encode")):
        with pytest.raises(PipelineError, match=rf"'feedback' needs 'index\.{missing}'"):
            check(options, *lexical)
    with pytest.raises(PipelineError, match="takes a number > 0"):
        check(", weight: 0", *lexical)


PARTS = st.lists(st.sampled_from(sorted(TEXTS)), max_size=3)
SIZES = st.floats(0.1, 3.0)


def in_memory() -> MemoryView:
    """Some of the documents without an index."""
    return MemoryView([replace(one, blocks=(Block(0, len(one.text)),)) for one in DOCUMENTS[:3]])


def draw_query(data: st.DataObject, known: Mapping[str, Passage]) -> Query:
    def variants(arms: Sequence[Any]) -> tuple[Variant, ...]:
        return tuple(
            Variant(TEXTS[one], data.draw(SIZES), arms=data.draw(st.sampled_from(arms)))
            for one in data.draw(PARTS)
        )

    names = st.lists(st.sampled_from(sorted(known)), max_size=3)
    examples = tuple(Example(known[one], data.draw(SIZES)) for one in data.draw(names))
    added, imagined = variants(("all", "lexical", "dense")), variants(("all",))
    return replace(QUERY, variants=added, hypotheses=imagined, examples=examples)


def shuffled(data: st.DataObject, query: Query) -> Query:
    return replace(
        query,
        variants=tuple(data.draw(st.permutations(query.variants))),
        hypotheses=tuple(data.draw(st.permutations(query.hypotheses))),
        examples=tuple(data.draw(st.permutations(query.examples))),
    )


def results(query: Query, view: View) -> list[object]:
    """What two retrievers find, and what feedback adds."""
    rewritten = FeedbackRewriter(**SMALL).rewrite(query, view)
    return [
        Bm25Retriever(k=5).retrieve(query, view),
        DenseRetriever(k=5).retrieve(query, view),
        DenseRetriever(k=5, variants="each").retrieve(query, view),
        rewritten.variants[len(query.variants) :],
        rewritten.examples[len(query.examples) :],
    ]


MEMORY = in_memory()
KNOWN = {passage.document_id: passage for passage in MEMORY.passages}


@pytest.mark.slow
@settings(max_examples=1_000, deadline=None)
@given(st.data())
def test_order_of_additions_changes_nothing(data: st.DataObject) -> None:
    query = draw_query(data, KNOWN)
    assert results(query, MEMORY) == results(shuffled(data, query), MEMORY)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_order_of_additions_changes_nothing_in_an_index(
    view: StoreView, data: st.DataObject
) -> None:
    every = view.lexical([Variant(" ".join(TEXTS.values()))], len(TEXTS))
    query = draw_query(data, {passage.document_id: passage for passage, _ in every})
    assert results(query, view) == results(shuffled(data, query), view)


def test_a_pipeline_with_feedback_searches(view: StoreView) -> None:
    stages: list[Stage] = [RewriteStage("feedback", FeedbackRewriter(common=1.0))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ranking = run(stages, QUERY, view)
    assert ranking.query.variants
    assert ranking.query.examples
    assert math.isfinite(sum(one.weight for one in ranking.query.variants))
