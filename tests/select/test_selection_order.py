"""What order may and may not change in fusers and selectors: 1,000 random cases of each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.fuse.complement import ComplementFuser
from rag.fuse.convex import ConvexFuser
from rag.fuse.rrf import RrfFuser
from rag.protocols import Fuser, Selector, View
from rag.select.attention import AttentionSelector, Weights
from rag.select.distinct import DistinctSelector
from rag.select.documents import DocumentsSelector
from rag.select.mmr import MmrSelector
from rag.select.per_document import PerDocumentSelector
from rag.types import Hit, Passage, Query

pytestmark = pytest.mark.slow
CASES = settings(max_examples=1000, deadline=None)
QUERY = Query("asked")
WORDS = ("ferry", "lamp", "oil", "storm", "keeper")

PLACES = st.tuples(st.sampled_from("abcdef"), st.integers(0, 5))
COSINES = st.floats(-1, 1).map(lambda value: round(value, 3))


@st.composite
def arms(draw: st.DrawFn, least: float = -1.0) -> list[list[Hit]]:
    """Up to three arms with passages in common and scores that tie."""
    scores = st.floats(least, 9).map(lambda value: round(value, 2))
    found = st.dictionaries(PLACES, scores, max_size=12)
    return [
        [
            Hit(Passage(name, start, start + 4, "text"), score)
            for (name, start), score in arm.items()
        ]
        for arm in draw(st.lists(found, min_size=2, max_size=3))
    ]


@st.composite
def hits(draw: st.DrawFn) -> list[Hit]:
    """Hits with scores that differ, best first; some of their texts are alike."""
    places = draw(st.lists(PLACES, unique=True, max_size=14))
    scores = draw(
        st.lists(st.integers(-99, 999), unique=True, min_size=len(places), max_size=len(places))
    )
    texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
    return [
        Hit(Passage(name, start, start + 4, draw(texts)), score / 7)
        for (name, start), score in zip(places, sorted(scores, reverse=True), strict=True)
    ]


def fuser(number: int, kind: str) -> Fuser:
    """A fuser of so many arms that weighs all of them alike."""
    even = [1 / number] * number
    if kind == "complement":
        return ComplementFuser()
    if kind == "rrf":
        return RrfFuser(weights=even)
    floors = [-1.0] * number if kind == "theoretical" else None
    return ConvexFuser(weights=even, normalise=kind, floors=floors)  # type: ignore[arg-type]


KINDS = ("rrf", "min-max", "z-score", "theoretical", "complement")


@CASES
@given(arms(), st.randoms(use_true_random=False))
def test_fusers_place_hits_by_their_scores(found: list[list[Hit]], chance: random.Random) -> None:
    turned = [chance.sample(arm, len(arm)) for arm in found]
    union = {hit.passage.id for arm in found for hit in arm}
    for kind in KINDS:
        made = fuser(len(found), kind)
        fused = made.fuse(found)
        scores = [score for _, score in fused]
        assert made.fuse(turned) == fused
        assert sorted(passage.id for passage, _ in fused) == sorted(union)
        assert scores == sorted(scores, reverse=True)


@CASES
@given(arms(), st.randoms(use_true_random=False))
def test_arms_of_equal_weight_may_change_places(
    found: list[list[Hit]], chance: random.Random
) -> None:
    for kind in KINDS[:-1]:
        made = fuser(len(found), kind)
        assert made.fuse(chance.sample(found, len(found))) == made.fuse(found)


@CASES
@given(arms())
def test_each_arm_of_a_complement_keeps_its_order(found: list[list[Hit]]) -> None:
    """The first n places hold the first of every arm, as far down as n / arms."""
    fused = [passage.id for passage, _ in ComplementFuser().fuse(found)]
    for arm in found:
        ranked = sorted(arm, key=lambda hit: (-hit.score, hit.passage.order))
        for rank, hit in enumerate(ranked, 1):
            assert hit.passage.id in fused[: rank * len(found)]


def _view() -> View:
    """A vector for each passage, drawn by its id; the question has one too."""

    def drawn(name: str) -> np.ndarray:
        vector = np.random.default_rng(list(name.encode())).standard_normal(8).astype(np.float32)
        return vector / np.linalg.norm(vector)

    return cast(
        "View",
        SimpleNamespace(
            vectors=lambda found: np.stack([drawn(one.id) for one in found]),
            encoder=SimpleNamespace(encode_queries=lambda texts: np.stack(list(map(drawn, texts)))),
        ),
    )


VIEW = _view()


def _attention() -> Selector:
    made = AttentionSelector(weights="drawn", passages=2)
    vars(made)["_weights"] = Weights.drawn(8)
    return made


BY_SCORES: dict[str, Selector] = {
    "mmr": MmrSelector(),
    "diverse": MmrSelector(relevance=0.2),
    "attention": _attention(),
    "max": DocumentsSelector(score="max"),
    "first": DocumentsSelector(score="first", passages=2),
    "mean": DocumentsSelector(score="mean", passages=2),
    "top": DocumentsSelector(score="top", n=2, passages=9),
}
BY_ORDER: dict[str, Selector] = {
    "distinct": DistinctSelector(similarity=0.5),
    "per-document": PerDocumentSelector(most=2),
}


def ids(chosen: Sequence[Hit]) -> list[str]:
    return [hit.passage.id for hit in chosen]


@CASES
@given(hits(), st.randoms(use_true_random=False))
def test_selectors_by_score_take_hits_in_any_order(found: list[Hit], chance: random.Random) -> None:
    turned = chance.sample(found, len(found))
    for made in BY_SCORES.values():
        chosen = made.select(QUERY, found, VIEW)
        assert list(made.select(QUERY, turned, VIEW)) == list(chosen)
        assert set(ids(chosen)) <= set(ids(found))
        assert len(set(ids(chosen))) == len(chosen)


@CASES
@given(hits(), st.randoms(use_true_random=False))
def test_selectors_by_order_take_any_scores(found: list[Hit], chance: random.Random) -> None:
    scored = [replace(hit, score=chance.random()) for hit in found]
    for made in BY_ORDER.values():
        chosen = made.select(QUERY, found, VIEW)
        assert ids(made.select(QUERY, scored, VIEW)) == ids(chosen)
        assert [hit for hit in found if hit in chosen] == list(chosen)
        # What is left has nothing more to leave out.
        assert list(made.select(QUERY, chosen, VIEW)) == list(chosen)


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + 3]) for at in range(max(1, len(words) - 2))}


@CASES
@given(hits(), st.sampled_from([0.2, 0.5, 0.9, 1.0]))
def test_copies_are_those_that_sets_of_words_say(found: list[Hit], similarity: float) -> None:
    kept: list[Hit] = []
    for hit in found:
        own = _shingles(hit.passage.text)
        others = [_shingles(one.passage.text) for one in kept]
        if not any(len(own & one) / len(own | one) >= similarity for one in others):
            kept.append(hit)
    assert list(DistinctSelector(similarity=similarity).select(QUERY, found, VIEW)) == kept
