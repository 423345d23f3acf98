"""Of a reply a label is read, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from rag.rerank.verdicts import verdict
from rag.types import Reply

GRADES = ("1", "2", "3", "4", "5")


def told(*tokens: Mapping[str, float], text: str = "") -> Reply:
    return Reply(text, tuple({t: math.log(p) for t, p in one.items()} for one in tokens))


def test_probabilities_of_labels_are_brought_to_one() -> None:
    found = verdict(told({"4": 0.5, " 4": 0.1, "▁2": 0.2, "maybe": 0.1}), GRADES)
    assert found is not None
    assert found.soft
    assert found.weights == pytest.approx({"1": 0, "2": 0.25, "3": 0, "4": 0.75, "5": 0})


def test_what_is_no_word_stands_before_a_label() -> None:
    found = verdict(told({"\n": 0.9, "1": 0.1}, {"**": 1.0}, {"3": 0.6, "5": 0.2}), GRADES)
    assert found is not None
    assert found.weights["3"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("4", "4"),
        (" **4**.", "4"),
        ("Grade: 4/5", "4"),
        ("I give it a 2, and 2 it is", "2"),
        ("3 or 4", None),
        ("4.5", None),
        ("14", None),
        ("none of them", None),
        ("", None),
    ],
)
def test_without_probabilities_the_one_label_in_the_text_counts(
    text: str, label: str | None
) -> None:
    found = verdict(Reply(text), GRADES)
    if label is None:
        assert found is None
    else:
        assert found is not None
        assert (dict(found.weights), found.soft) == ({label: 1.0}, False)


def test_a_first_word_that_is_no_label_has_no_probabilities_to_tell() -> None:
    found = verdict(told({"Score": 0.6, "4": 0.4}, {"5": 1.0}, text="Score 5"), GRADES)
    assert found is not None
    assert (dict(found.weights), found.soft) == ({"5": 1.0}, False)


@pytest.mark.parametrize("chance", [math.nan, math.inf, 1e9, -math.inf])
def test_any_number_may_come_from_a_server(chance: float) -> None:
    found = verdict(Reply("A", ({"A": chance, "B": -1.0},)), ("A", "B"))
    assert found is None or math.fsum(found.weights.values()) == pytest.approx(1)


def test_letters_stand_alone() -> None:
    assert verdict(Reply("Passage B"), ("A", "B")) is not None
    assert verdict(Reply("BOTH"), ("A", "B")) is None
    assert verdict(Reply("A, not B"), ("A", "B")) is None
