"""Text to index terms, and the language of a document."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.languages import STEMMERS, detect
from rag.store.analysis import analyse, words


def test_english_is_stemmed_without_stop_words() -> None:
    assert analyse("The keepers are climbing the stairs", "en") == ["keeper", "climb", "stair"]


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "running", "runs"),
        ("de", "Häuser", "Hauses"),
        ("fr", "chevaux", "cheval"),
        ("es", "corriendo", "correr"),
        ("ru", "книга", "книги"),
        ("hi", "किताबें", "किताबों"),
    ],
)
def test_inflected_forms_meet(language: str, one: str, other: str) -> None:
    assert analyse(one, language) == analyse(other, language)


@pytest.mark.parametrize(("language", "text"), [("de", "und der die das"), ("fr", "le la les et")])
def test_stop_words_belong_to_their_language(language: str, text: str) -> None:
    assert analyse(text, language) == []
    assert analyse(text, "fi") != []


def test_unknown_language_is_folded_only() -> None:
    assert analyse("The Keepers", "xx") == ["the", "keepers"]


def test_scripts_without_spaces_become_pairs() -> None:
    assert words("東京タワー") == ["東京", "京タ", "タワ", "ワー"]
    assert words("京") == ["京"]
    assert words("日本 ABC") == ["日本", "abc"]


def test_question_finds_a_word_inside_a_sentence() -> None:
    assert set(words("首都")) <= set(words("東京は日本の首都です"))


def test_marks_stay_with_their_letters() -> None:
    assert words("हिन्दी") == ["हिन्दी"]
    assert words("நன்றி") == ["நன்றி"]
    assert words("cafe\u0301") == words("café") == ["café"]


def test_compatibility_forms_are_folded() -> None:
    assert words("\ufb01le \uff21\uff22\uff23 \uff11\uff12") == ["file", "abc", "12"]


def test_long_words_are_cut() -> None:
    assert [len(word) for word in words("x" * 100_000)] == [255]
    assert all(len(word) <= 510 for word in words("漢" + "\u0301" * 70_000 + "字"))


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200), st.sampled_from([*STEMMERS, "zh", "xx"]))
def test_terms_are_words_for_any_text(text: str, language: str) -> None:
    terms = analyse(text, language)
    assert all(term and not any(c.isspace() for c in term) for term in terms)
    assert terms == analyse(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The ferry leaves the harbour at nine every morning, and dogs travel free."),
        ("de", "Die Fähre verlässt den Hafen jeden Morgen um neun, und Hunde fahren umsonst mit."),
        ("fr", "Le bac quitte le port chaque matin à neuf heures et les chiens voyagent gratis."),
        ("ja", "フェリーは毎朝九時に港を出ます。犬は無料で乗れます。"),
        ("hi", "नौका हर सुबह नौ बजे बंदरगाह से निकलती है और कुत्ते मुफ्त यात्रा करते हैं।"),
    ],
)
def test_language_is_detected(language: str, text: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize(
    "text", ["", " \n", "1234 5678", "!?", "\ud800".encode("utf-8", "replace").decode()]
)
def test_what_says_nothing_is_english(text: str) -> None:
    assert detect(text) == "en"
