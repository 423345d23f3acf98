"""The share of a question's words that a text contains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded import Embedded, whole

from rag.answer.coverage import coverage
from rag.store.view import StoreView
from rag.testing.memory import MemoryView

ENGLISH = "The keeper of the lighthouse climbs the stairs in the evening, and the lamp is lit."
GERMAN = "Der Wärter des Leuchtturms steigt am Abend die Treppe hinauf und zündet die Lampe an."


@pytest.fixture
def bilingual(tmp_path: Path) -> Iterator[StoreView]:
    from rag.store.tantivy import TantivyEngine

    store = Embedded(tmp_path / "index", engine=TantivyEngine(language="auto"))
    store.put(whole("en", ENGLISH), whole("de", GERMAN))
    with store.view() as view:
        yield view
    store.close()


def shares(question: str, view: StoreView | MemoryView, *texts: str) -> list[float]:
    return [round(float(share), 3) for share in coverage(question, texts, view)]


def test_all_some_and_none_of_the_words() -> None:
    every, some, none = shares(
        "ferry dogs", MemoryView(), "Dogs on the ferry.", "Dogs.", "A lamp at dusk."
    )
    assert (every, none) == (1, 0)
    assert 0 < some < 1


def test_rare_words_weigh_more() -> None:
    view = MemoryView()
    assert view.idf("wick") > view.idf("the")
    rare, common = shares("the wick", view, "a wick", "the oil")
    assert rare > common > 0


@pytest.mark.parametrize("question", ["How much do I have?", "?!", ""])
def test_a_question_of_only_asking_words_is_covered_by_nothing(question: str) -> None:
    assert shares(question, MemoryView(), "How much do I have?") == [0]


def test_no_texts() -> None:
    assert coverage("ferry", [], MemoryView()).shape == (0,)


def test_stop_words_count_for_nothing_where_another_language_lets_them_through(
    bilingual: StoreView,
) -> None:
    assert "the" in bilingual.terms("the")
    question = "Is the opera of the keeper about bananas?"
    with_stop_words, without = shares(
        question, bilingual, "The keeper of the stairs is lit.", "keeper"
    )
    assert with_stop_words == without
    assert with_stop_words < 0.5


def test_a_word_counts_once_however_many_languages_read_it(bilingual: StoreView) -> None:
    assert len(bilingual.terms("keeper")) > 1
    assert shares("keeper bananas", bilingual, "keeper")[0] < 0.5
    assert shares("climbing stairs", bilingual, "climbs the stairs") == [1]


def test_scripts_without_spaces_are_covered_by_parts(tmp_path: Path) -> None:
    store = Embedded(tmp_path / "index")
    store.put(whole("ja", "東京は日本の首都です。"))
    with store.view() as view:
        every, some, none = shares("日本の首都", view, "日本の首都です。", "日本", "人口は多い。")
    store.close()
    assert (every, none) == (1, 0)
    assert 0 < some < 1
