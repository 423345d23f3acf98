"""Fusers: their laws, worked examples, and weights that cannot be."""

from __future__ import annotations

import pytest

from rag.config import parse_pipeline
from rag.errors import PipelineError, RequestError
from rag.fuse.complement import ComplementFuser
from rag.fuse.convex import ConvexFuser
from rag.protocols import Fuser, Retriever
from rag.retrieve.bm25 import Bm25Retriever
from rag.retrieve.dense import DenseRetriever
from rag.stages.retrieve import RetrieveStage
from rag.testing import FuserSuite, MemoryView
from rag.tracing import question
from rag.types import Hit, Passage, Query, Ranking


class TestComplementFuser(FuserSuite):
    symmetric = False

    def make(self) -> Fuser:
        return ComplementFuser()


class TestTheoreticalFuser(FuserSuite):
    symmetric = False

    def make(self) -> Fuser:
        return ConvexFuser(normalise="theoretical")


class TestTheoreticalFuserWithEqualFloors(FuserSuite):
    def make(self) -> Fuser:
        return ConvexFuser(normalise="theoretical", floors=[-1.0, -1.0])


def arm(**scores: float) -> list[Hit]:
    return [Hit(Passage(name, 0, 4, "text"), score) for name, score in scores.items()]


def fused(fuser: Fuser, *arms: list[Hit]) -> dict[str, float]:
    return {passage.document_id: score for passage, score in fuser.fuse(arms)}


def test_arms_take_turns_and_repeat_nothing() -> None:
    bm25, dense = arm(a=9, b=8, c=7), arm(b=0.9, a=0.8, d=0.7, e=0.6)
    expected = {"a": 1, "b": 1 / 2, "c": 1 / 3, "d": 1 / 4, "e": 1 / 5}
    assert fused(ComplementFuser(), bm25, dense) == expected
    assert list(fused(ComplementFuser(), dense, bm25)) == ["b", "a", "d", "c", "e"]
    assert list(fused(ComplementFuser(), bm25, dense, arm(f=1))) == ["a", "b", "f", "c", "d", "e"]


def test_what_each_later_arm_added_is_noted() -> None:
    arms: list[tuple[str, Retriever]] = [
        ("bm25", Bm25Retriever(k=3)),
        ("dense", DenseRetriever(k=5)),
    ]
    stage = RetrieveStage(arms, ("complement", ComplementFuser()))
    with question() as asked:
        hits = stage(Ranking(Query("when does the ferry leave")), MemoryView()).hits
        notes = asked.take_notes()
    alone = sum("bm25" not in hit.stages for hit in hits)
    assert alone
    assert notes == (f"dense alone found {alone} of {len(hits)}",)
    with question() as asked:
        ComplementFuser().fuse([arm(a=1), []])
        assert asked.take_notes() == ("arm 2 alone found 0 of 1",)


def test_theoretical_scores_start_at_what_could_be() -> None:
    bm25, dense = arm(a=8, b=4, c=2), arm(b=0.6, a=0.5, d=0.4)
    found = fused(ConvexFuser(normalise="theoretical"), bm25, dense)
    # b: (4 - 2) / 8 and (.6 - .4) / 1.6, each counted from the lowest of its arm.
    assert found == pytest.approx({"a": 0.40625, "b": 0.1875, "c": 0, "d": 0})
    floors = ConvexFuser(normalise="theoretical", floors=[2, 0.4], alpha=0.3)
    plain = ConvexFuser(alpha=0.3)
    assert fused(floors, bm25, dense) == pytest.approx(fused(plain, bm25, dense))


def test_a_narrow_arm_says_little_about_the_order() -> None:
    wide, narrow = arm(a=8, b=6, c=0), arm(b=0.51, a=0.5, c=0.49)
    assert next(iter(fused(ConvexFuser(), wide, narrow))) == "b"
    assert next(iter(fused(ConvexFuser(normalise="theoretical"), wide, narrow))) == "a"


def test_the_only_hit_of_an_arm_counts_whatever_the_scale() -> None:
    for normalise in ("min-max", "theoretical", "z-score"):
        fuser = ConvexFuser(normalise=normalise)
        assert fused(fuser, arm(a=3), arm(b=0.2)) == {"a": 0.5, "b": 0.5}


def test_floors_that_do_not_fit() -> None:
    with pytest.raises(
        RequestError, match=r"a score of -0\.5 is below the floor 0: lower 'floors'"
    ):
        ConvexFuser(normalise="theoretical", floors=[0, 0]).fuse([arm(a=1), arm(a=-0.5, b=0.1)])
    with pytest.raises(RequestError, match="2 floors for 3 arms"):
        ConvexFuser(normalise="theoretical", weights=[0.2, 0.3, 0.5]).fuse([arm(a=1)] * 3)


FILE = """\
name: x
index:
  chunk: {{use: fixed}}
  encode: {{use: sentence-transformers, model: all-MiniLM-L6-v2}}
  lexical: {{use: bm25}}
query:
  - retrieve: {{fuse: {}, of: {}}}
"""
TWO = "[{use: bm25}, {use: dense}]"
THREE = "[{use: bm25}, {use: dense}, {use: dense}]"


@pytest.mark.parametrize(
    ("fuse", "arms", "message"),
    [
        ("{use: convex, weights: [0.6, 0.3]}", TWO, "'weights' add up to 0.9, not 1"),
        ("{use: convex, weights: [1.5, -0.5]}", TWO, "'weights' has -0.5: a weight is 0 or more"),
        ("{use: rrf, weights: [-1, 2]}", TWO, "'weights' has -1: a weight is 0 or more"),
        ("{use: rrf, weights: [0, 0]}", TWO, "'weights' are all 0: nothing would count"),
        ("{use: convex, floors: [0, 0]}", TWO, "'floors' are for 'normalise: theoretical'"),
        (
            "{use: convex, normalise: theoretical, floors: [0]}",
            TWO,
            "'floors' has 1 items and there are 2 retrievers",
        ),
        (
            "{use: convex, normalise: theoretical, weights: [0.3, 0.3, 0.4]}",
            THREE,
            "'floors' is missing: give the lowest score that each retriever could give",
        ),
        (
            "{use: convex, normalise: theoretical}",
            "[{use: dense}, {use: bm25}]",
            "'floors' is missing",
        ),
    ],
)
def test_faults(fuse: str, arms: str, message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        parse_pipeline(FILE.format(fuse, arms), "f.yaml")
    (fault,) = caught.value.faults
    assert message in fault.message
    assert fault.line == 7


@pytest.mark.parametrize(
    "fuse",
    [
        "{use: complement}",
        "{use: rrf, weights: [3, 0]}",
        "{use: convex, weights: [0.33, 0.67]}",
        "{use: convex, normalise: theoretical}",
        "{use: convex, normalise: theoretical, floors: [0, 0]}",
    ],
)
def test_what_fits(fuse: str) -> None:
    assert parse_pipeline(FILE.format(fuse, TWO), "f.yaml").stages


def test_thirds_are_taken_for_a_whole() -> None:
    fuse = "{use: convex, weights: [0.33, 0.33, 0.33]}"
    assert parse_pipeline(FILE.format(fuse, THREE), "f.yaml").stages
