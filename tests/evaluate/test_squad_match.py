from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.evaluate.match import exact, f1, words

TEXTS = st.text(alphabet="ab the, ", max_size=12)


def test_words_are_without_case_punctuation_and_articles() -> None:
    assert words("The  Cat's (an) A-team, a\tThéâtre: “x”!") == ["cats", "ateam", "théâtre", "“x”"]
    assert words("the. A!") == []


@pytest.mark.parametrize(
    ("said", "right", "expected_exact", "expected_f1"),
    [
        ("The Moon.", ["moon"], 1.0, 1.0),
        ("the moon pulls", ["moon"], 0.0, 2 / 3),
        ("the moon pulls", ["sea", "moon pulls tides"], 0.0, 0.8),
        ("b b a-b", ["b b b"], 0.0, 2 * 2 / 6),
        ("sea", ["moon"], 0.0, 0.0),
        # Without a right answer, nothing is right.
        ("", [], 1.0, 1.0),
        ("moon", [], 0.0, 0.0),
        ("", ["moon"], 0.0, 0.0),
        # Articles alone are no words: as in SQuAD's own program, both are empty then.
        ("the", ["A"], 1.0, 1.0),
    ],
)
def test_measures_by_hand(
    said: str, right: list[str], expected_exact: float, expected_f1: float
) -> None:
    assert exact(said, right) == expected_exact
    assert f1(said, right) == pytest.approx(expected_f1)


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_an_exact_match_has_the_best_f1(said: str, right: list[str]) -> None:
    assert 0 <= f1(said, right) <= 1
    assert not exact(said, right) or f1(said, right) == 1
    assert exact(said, [*right, said]) == f1(said, [*right, said]) == 1
