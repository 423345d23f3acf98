"""Pruners without a model keep the laws, for any text and any order."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from gathering import passage
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import registry
from rag.protocols import Pruner
from rag.prune.boilerplate import BoilerplatePruner
from rag.prune.duplicates import DuplicatesPruner
from rag.prune.idf_mass import IdfMassPruner
from rag.prune.length import LengthPruner
from rag.prune.novelty import NoveltyPruner
from rag.prune.surprise import SurprisePruner
from rag.testing import PrunerSuite
from rag.testing.collection import MemoryCollection
from rag.types import Passage

MADE: dict[str, Callable[[], Pruner]] = {
    "boilerplate": lambda: BoilerplatePruner(documents=2),
    "duplicates": DuplicatesPruner,
    "idf-mass": IdfMassPruner,
    "length": LengthPruner,
    "novelty": NoveltyPruner,
    "surprise": SurprisePruner,
}

words = st.sampled_from(["the", "keeper", "lamp", "Öl", "東京都", "नमस्ते", "12", "—", "\n", "end."])
texts = st.lists(words, max_size=12).map(" ".join) | st.text(max_size=30)
collections = st.lists(st.tuples(st.integers(0, 4), texts), max_size=14)


class TestBoilerplatePruner(PrunerSuite):
    def make(self) -> Pruner:
        return MADE["boilerplate"]()

    def passages(self) -> Sequence[Passage]:
        return [*super().passages(), passage("z", "The winch was oiled on Tuesday.")]


class TestDuplicatesPruner(PrunerSuite):
    def make(self) -> Pruner:
        return MADE["duplicates"]()


class TestIdfMassPruner(PrunerSuite):
    def make(self) -> Pruner:
        return MADE["idf-mass"]()


class TestLengthPruner(PrunerSuite):
    def make(self) -> Pruner:
        return MADE["length"]()


class TestNoveltyPruner(PrunerSuite):
    def make(self) -> Pruner:
        return MADE["novelty"]()


class TestSurprisePruner(PrunerSuite):
    def make(self) -> Pruner:
        return MADE["surprise"]()


def gathered(drawn: list[tuple[int, str]]) -> list[Passage]:
    return [passage(f"d{name}", text, at * 100) for at, (name, text) in enumerate(drawn)]


@pytest.mark.parametrize("name", MADE)
def test_it_is_registered(name: str) -> None:
    assert isinstance(MADE[name](), registry.load("pruner", name))


@pytest.mark.parametrize("name", MADE)
@settings(max_examples=60, deadline=None)
@given(drawn=collections, seed=st.randoms(use_true_random=False))
def test_scores_are_shares_and_order_does_not_matter(
    name: str, drawn: list[tuple[int, str]], seed: object
) -> None:
    passages = gathered(drawn)
    quality = MADE[name]().judge(MemoryCollection(passages))
    assert ((quality.scores >= 0) & (quality.scores <= 1)).all()
    assert all(quality.why(position).strip() for position in range(len(passages)))
    seed.shuffle(passages)  # type: ignore[attr-defined]
    again = MADE[name]().judge(MemoryCollection(passages))
    assert again.scores.tolist() == quality.scores.tolist()


@pytest.mark.parametrize("name", MADE)
def test_blocks_make_no_difference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = np.random.default_rng(0)
    known = ["lamp", "oil", "wick", "dusk.", *string.ascii_lowercase]
    often = 1 / np.arange(1, 31) ** 1.5
    passages = [
        passage(
            f"d{at // 3:02}", " ".join(source.choice(known, 12, p=often / often.sum())), at * 50
        )
        for at in range(60)
    ]
    whole = MADE[name]().judge(MemoryCollection(passages)).scores
    assert len(set(whole.tolist())) > 1 or name in ("length", "duplicates")
    monkeypatch.setattr("rag.prune.words._PASSAGES", 4)
    assert MADE[name]().judge(MemoryCollection(passages)).scores.tolist() == whole.tolist()


@pytest.mark.parametrize("name", MADE)
def test_what_has_no_words_scores_nothing(name: str) -> None:
    passages = [passage("a", "A lamp is lit at dusk."), passage("b", "— * —"), passage("c", "")]
    found = MADE[name]().judge(MemoryCollection(passages)).scores
    assert found[0] > 0
    assert found[1:].tolist() == [0, 0]
