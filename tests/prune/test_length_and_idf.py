"""Length counts words, idf mass weighs them."""

from __future__ import annotations

import math

import pytest
from gathering import ENGLISH, scores

from rag.prune.idf_mass import IdfMassPruner
from rag.prune.length import LengthPruner


def test_length_counts_what_has_letters() -> None:
    found = scores(
        LengthPruner(half=4),
        {
            "a": "one two three four",
            "b": "12 13 | 14 --- 2024",
            "c": "one, 2, two",
            "d": "東京大学",
        },
    )
    assert found == {"a": 0.5, "b": 0.0, "c": 2 / 6, "d": 1.5 / 5.5}


def test_length_saturates() -> None:
    found = scores(LengthPruner(), {"a": "word " * 50, "b": "word " * 500, "c": "word " * 5000})
    assert found["a"] < found["b"] < found["c"] < 1
    assert found["c"] - found["b"] < found["b"] - found["a"]


def test_a_menu_of_every_page_has_the_least_mass() -> None:
    pages = {f"p{at}": text for at, text in enumerate(ENGLISH * 2)}
    menus = {f"m{at}": "Home | About | Contact | © 2024" for at in range(8)}
    found = scores(IdfMassPruner(), pages | menus)
    assert max(found[name] for name in menus) < min(found[name] for name in pages)


def test_the_mean_idf_is_as_documented() -> None:
    found = scores(IdfMassPruner(prior=2), {"a": "lamp oil", "b": "lamp", "c": "oil lamp zinc"})

    def idf(documents: int) -> float:
        return math.log1p((3 - documents + 0.5) / (documents + 0.5)) / math.log1p(2.5 / 1.5)

    mean = (3 * idf(3) + 2 * idf(2)) / 5
    assert found["a"] == pytest.approx((idf(3) + idf(2) + 2 * mean) / 4)
    assert found["b"] == pytest.approx((idf(3) + 2 * mean) / 3)
    assert found["c"] == pytest.approx((idf(3) + idf(2) + 3 * mean) / 5)


def test_a_word_nobody_else_has_is_neither_good_nor_bad() -> None:
    texts = {f"p{at}": text for at, text in enumerate(ENGLISH * 2)}
    found = scores(IdfMassPruner(), texts | {"noise": "xqv zrrk wpfl qqtz jjkx vbnm wqx"})
    assert sorted(found.values()).index(found["noise"]) not in (0, len(found) - 1)


def test_length_of_a_passage_decides_nothing() -> None:
    texts = {f"p{at}": text for at, text in enumerate(ENGLISH)}
    texts |= {"long": " ".join(ENGLISH), "short": "Copper roofs.", "x": "Copper roofs turn green."}
    found = scores(IdfMassPruner(), texts)
    assert abs(found["short"] - found["long"]) < 0.15
