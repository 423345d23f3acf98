"""The query side: stages fold a query into a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rag.fuse.rrf import RrfFuser
from rag.pipeline import run
from rag.protocols import Retriever, View
from rag.retrieve.bm25 import Bm25Retriever
from rag.retrieve.dense import DenseRetriever
from rag.stages.cut import CutStage
from rag.stages.rerank import RerankStage
from rag.stages.retrieve import RetrieveStage
from rag.stages.rewrite import RewriteStage
from rag.stages.stage import Stage
from rag.testing import MemoryView
from rag.types import Condition, Hit, Passage, Query, Ranking, Turn, Variant

QUERY = Query(
    "when does the ferry leave",
    filters=(Condition("kind", "=", "sample"),),
    history=(Turn("user", "hello"),),
)
ARMS: list[tuple[str, Retriever]] = [("bm25", Bm25Retriever(k=5)), ("dense", DenseRetriever(k=5))]


@pytest.fixture(scope="module")
def view() -> MemoryView:
    return MemoryView()


def hits(*names: str) -> tuple[Hit, ...]:
    passages = (Passage(name, 0, 4, name) for name in names)
    return tuple(Hit(passage, 9.0 - rank) for rank, passage in enumerate(passages))


def order(ranking: Ranking) -> list[str]:
    return [hit.passage.document_id for hit in ranking.hits]


def test_single_arm_keeps_its_scores(view: View) -> None:
    ranking = run([RetrieveStage(ARMS[:1], None)], QUERY, view)
    assert ranking.query == QUERY
    for rank, hit in enumerate(ranking.hits, 1):
        assert (hit.stages["bm25"].rank, hit.stages["bm25"].score) == (rank, hit.score)


def test_fusion_keeps_each_arm_s_rank_and_score(view: View) -> None:
    ranking = run([RetrieveStage(ARMS, ("rrf", RrfFuser()))], QUERY, view)
    for name, arm in ARMS:
        for rank, (passage, score) in enumerate(arm.retrieve(QUERY, view), 1):
            (hit,) = (hit for hit in ranking.hits if hit.passage.id == passage.id)
            assert (hit.stages[name].rank, hit.stages[name].score) == (rank, score)
            assert hit.stages["rrf"].score == hit.score
    scores = [hit.score for hit in ranking.hits]
    assert scores == sorted(scores, reverse=True)


class Shout:
    """Adds a variant, and tries to take everything else away."""

    def rewrite(self, query: Query, view: View) -> Query:
        return Query("NOTHING", variants=(Variant("FERRY", 0.5),))


def test_rewriters_only_add(view: View) -> None:
    ranking = run([RewriteStage("shout", Shout())], QUERY, view)
    assert ranking.query == replace(QUERY, variants=(Variant("FERRY", 0.5),))


class Broken:
    def rewrite(self, query: Query, view: View) -> Query:
        raise ConnectionError("no model server")


def test_failing_rewriter_costs_only_its_additions(view: View) -> None:
    with pytest.warns(UserWarning, match="rewriter 'broken' failed: no model server"):
        ranking = run([RewriteStage("broken", Broken())], QUERY, view)
    assert ranking.query == QUERY


class ByName:
    """The later in the alphabet the better."""

    def score(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
        return [float(ord(passage.document_id)) for passage in passages]


def test_rerank_moves_the_top_alone(view: View) -> None:
    ranking = Ranking(QUERY, hits("b", "a", "c", "z", "y"))
    moved = RerankStage("by-name", ByName(), 3)(ranking, view)
    assert order(moved) == ["c", "b", "a", "z", "y"]
    assert [hit.stages["by-name"].rank for hit in moved.hits[:3]] == [1, 2, 3]
    assert moved.hits[3:] == ranking.hits[3:]


class Same:
    def score(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
        return [1.0] * len(passages)


def test_rerank_ties_stay_as_they_were(view: View) -> None:
    moved = RerankStage("same", Same(), 10)(Ranking(QUERY, hits("b", "c", "a")), view)
    assert order(moved) == ["b", "c", "a"]


def test_rerank_of_nothing(view: View) -> None:
    assert RerankStage("same", Same(), 10)(Ranking(QUERY), view).hits == ()


def test_reranker_that_loses_a_score_is_an_error(view: View) -> None:
    class Short:
        def score(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
            return [1.0]

    with pytest.raises(ValueError, match="zip"):
        RerankStage("short", Short(), 10)(Ranking(QUERY, hits("a", "b")), view)


def test_cut(view: View) -> None:
    ranking = Ranking(QUERY, hits("a", "b", "c"))
    assert order(CutStage(2)(ranking, view)) == ["a", "b"]
    assert order(CutStage(9)(ranking, view)) == ["a", "b", "c"]


def test_stages_fold_in_order(view: View) -> None:
    stages: list[Stage] = [RetrieveStage(ARMS, ("rrf", RrfFuser())), CutStage(1)]
    query = replace(QUERY, text="the ferry leaves at nine")
    assert order(run(stages, query, view)) == ["ferry"]


def test_variants_and_hypotheses_move_the_dense_arm(view: View) -> None:
    arm = DenseRetriever(k=1)
    assert arm.retrieve(Query("ferry leaves nine"), view)[0][0].document_id == "ferry"
    lamp = "Oil is delivered on the first Monday of March."
    led = Query("ferry leaves nine", hypotheses=(Variant(lamp, 20.0),))
    assert arm.retrieve(led, view)[0][0].document_id == "lighthouse"
    varied = Query("ferry leaves nine", variants=(Variant(lamp, 20.0),))
    assert arm.retrieve(varied, view)[0][0].document_id == "lighthouse"
