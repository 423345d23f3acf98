"""What has been said before is not new, wherever and however much of it."""

from __future__ import annotations

import pytest
from gathering import ENGLISH, GERMAN, JAPANESE, passage, reason, scores

from rag.prune.novelty import NoveltyPruner
from rag.testing.collection import MemoryCollection

LONG = " ".join(ENGLISH)


def test_the_first_to_say_something_keeps_it() -> None:
    found = scores(NoveltyPruner(), {"a": LONG, "b": LONG.upper(), "c": " ".join(GERMAN)})
    assert found == {"a": 1.0, "b": 0.0, "c": 1.0}


def test_truncated_wrapped_and_shuffled_copies() -> None:
    texts = {
        "a": LONG,
        "b": LONG[: len(LONG) // 3],
        "c": f"Home | About us | Contact | Log in | Help\n{LONG}\nTerms of use and privacy",
        "d": " ".join(reversed(ENGLISH)),
        "e": "".join(JAPANESE),
        "f": "".join(reversed(JAPANESE)),
    }
    found = scores(NoveltyPruner(), texts)
    assert found["b"] < 0.1
    assert found["c"] < 0.3
    assert found["d"] < 0.3
    assert found["f"] < 0.3
    assert found["a"] == found["e"] == 1.0


def test_the_same_document_may_repeat_itself() -> None:
    passages = [passage("a", LONG), passage("a", LONG, 1_000), passage("b", LONG)]
    quality = NoveltyPruner().judge(MemoryCollection(passages))
    assert quality.scores.tolist() == [1.0, 1.0, 0.0]


def test_short_but_new() -> None:
    texts = {"a": "Notice period: 3 months.", "b": "Notice period: 6 months.", "c": "Yes."}
    assert set(scores(NoveltyPruner(), texts).values()) == {1.0}


def test_sequences_are_as_long_as_asked() -> None:
    texts = {"a": "one two three four five", "b": "one two three nine ten"}
    assert scores(NoveltyPruner(words=3), texts)["b"] == pytest.approx(2 / 3)
    assert scores(NoveltyPruner(words=2), texts)["b"] == pytest.approx(2 / 4)
    assert scores(NoveltyPruner(words=4), texts)["b"] == 1.0
    told = reason(NoveltyPruner(words=2), texts, "b")
    assert told == "50% of its sequences of 2 words are in earlier documents"


def test_a_part_stands_for_all_in_a_large_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"w{at}" for at in range(400)]
    texts = {"a": " ".join(words), "b": " ".join(words[:200] + [f"v{at}" for at in range(200)])}
    monkeypatch.setattr("rag.prune.novelty._PASSAGES", 1)
    assert scores(NoveltyPruner(), texts)["b"] == pytest.approx(0.5, abs=0.15)
