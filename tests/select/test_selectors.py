"""Selectors: their laws, what each does, and what they are told that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from safetensors.numpy import save_file

from rag.config import Component, Rerank, parse_pipeline
from rag.config.cautions import cautions
from rag.errors import ModelError, PipelineError, RequestError
from rag.protocols import Selector, Vectors, View
from rag.select.attention import AttentionSelector, Weights
from rag.select.distinct import DistinctSelector
from rag.select.documents import DocumentsSelector
from rag.select.mmr import MmrSelector
from rag.select.per_document import PerDocumentSelector
from rag.stages.select import SelectStage
from rag.testing import MemoryView, SelectorSuite
from rag.tracing import question
from rag.types import Hit, Passage, Query, Ranking, StageScore

QUERY = Query("when does the ferry leave")
DIMENSION = 128


class TestMmrSelector(SelectorSuite):
    def make(self) -> Selector:
        return MmrSelector()


class TestDistinctSelector(SelectorSuite):
    by_scores = False

    def make(self) -> Selector:
        return DistinctSelector(similarity=0.3)


class TestPerDocumentSelector(SelectorSuite):
    by_scores = False

    def make(self) -> Selector:
        return PerDocumentSelector(most=1)


class TestDocumentsSelector(SelectorSuite):
    def make(self) -> Selector:
        return DocumentsSelector()


class TestMeanOfDocuments(SelectorSuite):
    def make(self) -> Selector:
        return DocumentsSelector(score="top", n=2, passages=2)


class TestAttentionSelector(SelectorSuite):
    @pytest.fixture(autouse=True)
    def _saved(self, tmp_path: Path) -> None:
        self.weights = tmp_path / "weights.safetensors"
        Weights.drawn(DIMENSION).save(self.weights)

    def make(self) -> Selector:
        return AttentionSelector(weights=str(self.weights), passages=2)


class Inventing:
    """Changes a passage, repeats it, and goes by where hits stand."""

    def select(self, query: Query, hits: Sequence[Hit], view: View) -> Sequence[Hit]:
        changed = [replace(hit, passage=replace(hit.passage, text="new")) for hit in hits[:1]]
        return [*changed, *changed, *hits[1:]] or [Hit(Passage("x", 0, 1, "x"), 1.0)]


@pytest.mark.parametrize(
    "law",
    [
        SelectorSuite.test_nothing_is_invented_or_repeated,
        SelectorSuite.test_nothing_of_nothing,
        SelectorSuite.test_scores_or_order_decide,
    ],
)
def test_the_suite_catches_inventions(law: object) -> None:
    class Broken(SelectorSuite):
        def make(self) -> Selector:
            return Inventing()

    with pytest.raises(AssertionError):
        law(Broken())  # type: ignore[operator]


def test_the_suite_catches_selectors_that_read_scores_without_saying_so() -> None:
    class Broken(SelectorSuite):
        by_scores = False

        def make(self) -> Selector:
            return DocumentsSelector(score="mean")

    with pytest.raises(AssertionError):
        Broken().test_scores_or_order_decide()


def hit(name: str, score: float, start: int = 0, text: str = "") -> Hit:
    passage = Passage(name, start, start + 9, text or f"{name} {start}")
    return Hit(passage, score, {"dense": StageScore(1, score)})


def places(hits: Sequence[Hit]) -> list[tuple[str, int]]:
    return [(one.passage.document_id, one.passage.start) for one in hits]


def view_of(**vectors: Sequence[float]) -> View:
    """A view with the vectors of documents' passages, and of the question as `asked`."""

    def rows(names: Sequence[str]) -> Vectors:
        made = np.array([vectors[name] for name in names], np.float32)
        return cast("Vectors", made / np.linalg.norm(made, axis=1, keepdims=True))

    return cast(
        "View",
        SimpleNamespace(
            vectors=lambda passages: rows([one.document_id for one in passages]),
            encoder=SimpleNamespace(encode_queries=lambda texts: rows(["asked"] * len(texts))),
        ),
    )


NO_VIEW = cast("View", None)


def test_mmr_worked_out_by_hand() -> None:
    view = view_of(a=[1, 0], b=[0.96, 0.28], c=[0, 1], d=[0.6, 0.8])
    hits = [hit("a", 1.0), hit("b", 0.8), hit("c", 0.5), hit("d", 0.0), hit("e", 9.0)]
    # After a: b .4 - .48, c .25 - 0, d 0 - .3. After c: b .4 - .48, d 0 - .4.
    chosen = MmrSelector(relevance=0.5, top=4).select(QUERY, hits, view)
    assert [one.passage.document_id for one in chosen] == ["a", "c", "b", "d", "e"]
    assert sorted(one.score for one in chosen) == sorted(one.score for one in hits)


def test_mmr_with_relevance_alone_is_the_order_of_scores() -> None:
    view = view_of(a=[1, 0], b=[1, 0], c=[0, 1])
    hits = [hit("b", 2.0), hit("c", 0.5), hit("a", 3.0)]
    chosen = MmrSelector(relevance=1.0).select(QUERY, hits, view)
    assert [one.passage.document_id for one in chosen] == ["a", "b", "c"]


@pytest.mark.parametrize("relevance", [0.0, 0.3, 1.0])
def test_mmr_ties_stay_as_they_were(relevance: float) -> None:
    view = view_of(a=[1, 0], b=[1, 0], c=[1, 0])
    hits = [hit("b", 1.0), hit("c", 1.0), hit("a", 1.0)]
    assert list(MmrSelector(relevance=relevance).select(QUERY, hits, view)) == hits


SAID = "the lighthouse keeper climbs ninety one steps every evening and lights the lamp at dusk "


@pytest.mark.parametrize("kind", ["mmr", "attention"])
def test_what_grew_has_the_vector_of_what_was_found(kind: str, tmp_path: Path) -> None:
    Weights.drawn(DIMENSION).save(path := tmp_path / "w.safetensors")
    made = MmrSelector() if kind == "mmr" else AttentionSelector(weights=str(path))
    view = MemoryView()
    found = [Hit(one, 1 / place) for place, one in enumerate(view.passages, 1)]
    grown = [
        replace(
            one,
            passage=replace(one.passage, start=0, end=1_000, text="longer"),
            found=(one.passage, found[0].passage),
        )
        for one in found
    ]
    chosen = made.select(QUERY, grown, view)
    assert all(one.passage.text == "longer" for one in chosen)
    assert [one.found[0] for one in chosen] == [
        one.passage for one in made.select(QUERY, found, view)
    ]


def test_near_copies_become_the_first_of_them() -> None:
    long = SAID * 2 + "while the storm over the bay grows and the ferry waits in the harbour"
    near = long.replace("harbour", "port")
    far = long.replace("the", "a")
    hits = [hit("a", 3, text=long), hit("b", 9, text=near.upper()), hit("c", 2, text=far)]
    with question() as asked:
        chosen = DistinctSelector(similarity=0.9).select(QUERY, [*hits, hits[0]], NO_VIEW)
        assert asked.take_notes() == ("2 left out: near copies of hits before them",)
    assert list(chosen) == [hits[0], hits[2]]


def test_only_the_top_is_compared() -> None:
    hits = [hit(name, 1, text=SAID) for name in "abcd"]
    assert places(DistinctSelector(top=3).select(QUERY, hits, NO_VIEW)) == [("a", 0), ("d", 0)]


def test_copies_without_spaces_and_of_few_words() -> None:
    tokyo = "東京は日本の首都です。人口は多い。" * 3
    texts = [tokyo, tokyo + "。", "東京は" * 9, "two words", "Two  WORDS", "two", "two", ""]
    hits = [hit(str(place), 1, text=text) for place, text in enumerate(texts)]
    hits[-1] = replace(hits[-1], passage=replace(hits[-1].passage, text=""))
    chosen = DistinctSelector(similarity=0.9).select(QUERY, [*hits, hits[-1]], NO_VIEW)
    assert [one.passage.document_id for one in chosen] == ["0", "2", "3", "5", "7", "7"]


def test_a_document_has_so_many_hits() -> None:
    hits = [hit("a", 1, 1), hit("b", 9, 1), hit("a", 7, 2), hit("a", 8, 3), hit("b", 0, 2)]
    with question() as asked:
        chosen = PerDocumentSelector(most=2).select(QUERY, hits, NO_VIEW)
        assert asked.take_notes() == ("1 left out: of documents with 2 before them",)
    assert list(chosen) == [*hits[:3], hits[4]]


FOUND = [
    *(hit("a", 0.9, 30), hit("b", 0.8, 0), hit("b", 0.7, 10), hit("c", 0.6, 0)),
    *(hit("b", 0.5, 20), hit("c", 0.45, 10), hit("a", 0.1, 0)),
]


@pytest.mark.parametrize(
    ("score", "n", "expected"),
    [
        ("max", 3, {"a": 0.9, "b": 0.8, "c": 0.6}),
        ("first", 3, {"b": 0.8, "c": 0.6, "a": 0.1}),
        ("mean", 3, {"b": 2 / 3, "c": 0.525, "a": 0.5}),
        ("top", 2, {"b": 0.75, "c": 0.525, "a": 0.5}),
    ],
)
def test_documents_by_their_passages(score: str, n: int, expected: dict[str, float]) -> None:
    made = Component("selector", "documents", {"score": score, "n": n, "passages": 1}).build()
    chosen = made.select(QUERY, FOUND, NO_VIEW)
    assert {one.passage.document_id: one.score for one in chosen} == pytest.approx(expected)
    assert [one.passage.document_id for one in chosen] == list(expected)
    best = {"a": 30, "b": 0, "c": 0}
    assert dict(places(chosen)) == best
    assert [one.stages for one in chosen] == [
        next(one.stages for one in FOUND if places([one]) == [place]) for place in places(chosen)
    ]


def test_several_passages_of_each_document_stand_together() -> None:
    chosen = DocumentsSelector(passages=2).select(QUERY, FOUND, NO_VIEW)
    assert places(chosen) == [("a", 30), ("a", 0), ("b", 0), ("b", 10), ("c", 0), ("c", 10)]


def test_the_stage_notes_the_document_s_score() -> None:
    stage = SelectStage("documents", DocumentsSelector(score="mean"))
    first = stage(Ranking(QUERY, tuple(FOUND)), NO_VIEW).hits[0]
    assert first.stages["documents"].score == first.score == pytest.approx(2 / 3)
    assert first.stages["dense"].score == 0.8


def test_documents_that_tie_stay_as_they_were() -> None:
    hits = [hit("b", 0.5), hit("a", 0.5), hit("c", 0.5)]
    assert list(DocumentsSelector().select(QUERY, hits, NO_VIEW)) == hits


def attended(weights: Weights, question: Vectors, passages: Vectors) -> float:
    """What `Weights.score` makes, step by step."""
    total = scored = 0.0
    for row in passages.astype(float):
        matched = row * question
        share = float(np.exp(matched @ weights.attention))
        total += share
        scored += share * float(matched @ weights.head)
    return scored / total + float(weights.bias)


def test_attention_saved_and_loaded_scores_the_same(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    drawn = replace(Weights.drawn(DIMENSION, 3), bias=np.array(0.25, np.float32))
    drawn.save(path)
    view = MemoryView()
    hits = [Hit(one, 1 / place) for place, one in enumerate(view.passages, 1)]
    chosen = AttentionSelector(weights=str(path)).select(QUERY, hits, view)
    assert view.encoder is not None
    asked = view.encoder.encode_queries([QUERY.text])[0]
    expected = {}
    for name in {one.document_id for one in view.passages}:
        own = view.vectors([one for one in view.passages if one.document_id == name])
        expected[name] = attended(drawn, asked, own)
    assert {one.passage.document_id: one.score for one in chosen} == pytest.approx(expected)
    assert [one.score for one in chosen] == sorted((one.score for one in chosen), reverse=True)
    Weights.load(path).save(tmp_path / "again.safetensors")
    other = AttentionSelector(weights=str(tmp_path / "again.safetensors"))
    assert list(other.select(QUERY, hits, view)) == list(chosen)


def test_even_attention_with_a_head_of_ones_is_the_mean_cosine() -> None:
    even = Weights(np.zeros(2, np.float32), np.ones(2, np.float32), np.zeros((), np.float32))
    passages = np.array([[1, 0], [0.6, 0.8]], np.float32)
    assert even.score(np.array([1, 0], np.float32), passages) == pytest.approx(0.8)


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    view, hits = MemoryView(), [Hit(one, 1.0) for one in MemoryView().passages]
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"no weights")
    with pytest.raises(ModelError, match="cannot be read"):
        AttentionSelector(weights=str(path)).select(QUERY, hits, view)
    save_file({"head": np.zeros(3, np.float32)}, path)
    with pytest.raises(ModelError, match="has head; an attention over passages is"):
        AttentionSelector(weights=str(path)).select(QUERY, hits, view)
    Weights.drawn(DIMENSION + 1).save(path)
    with pytest.raises(RequestError, match="for vectors of 129 components, and the index has 128"):
        AttentionSelector(weights=str(path)).select(QUERY, hits, view)


FILE = """\
name: x
index:
  chunk: {use: fixed}
  lexical: {use: bm25}
query:
  - retrieve: {use: bm25}
"""


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("{use: mmr}", "'mmr' needs 'index.encode', which this pipeline leaves out"),
        ("{use: mmr, relevance: 1.5}", "'relevance' takes a number >= 0 and <= 1, got 1.5"),
        ("{use: documents, score: mean, n: 2}", "'n' is for 'score: top': leave it out"),
        ("{use: attention, weights: no.safetensors}", "there is no file 'no.safetensors'"),
        ("{use: per-document, most: 0}", "'most' takes a whole number >= 1, got 0"),
        ("{use: distinct, similarity: 0}", "'similarity' takes a number > 0 and <= 1, got 0"),
    ],
)
def test_faults(stage: str, message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        parse_pipeline(f"{FILE}  - select: {stage}\n", "f.yaml")
    assert message in [fault.message for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("select", "between", "told"),
    [
        ("{use: documents}", "", True),
        ("{use: mmr, top: 50}", "", True),
        ("{use: mmr, top: 20}", "", False),
        ("{use: documents}", "{cut: {k: 20}}, ", False),
        ("{use: per-document}", "", False),
    ],
)
def test_scores_of_two_stages_are_cautioned_against(select: str, between: str, told: bool) -> None:
    whole = parse_pipeline(
        "name: x\nindex: {chunk: {use: fixed, max_tokens: 100}, "
        "encode: {use: sentence-transformers, model: all-MiniLM-L6-v2}}\n"
        f"query: [{{retrieve: {{use: dense}}}}, {between}{{select: {select}}}]",
        "x",
    )
    retrieve, *rest = whole.stages
    rerank = Rerank(Component("reranker", "any", {}), 20)
    found = cautions(replace(whole, stages=(retrieve, rerank, *rest)))
    assert any("put 'cut: {k: 20}' between" in one.message for one in found) == told
