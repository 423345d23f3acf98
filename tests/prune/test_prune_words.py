"""Words are found by Unicode's rules, and numbered alike wherever they stand."""

from __future__ import annotations

import unicodedata

import pytest
import regex
from gathering import passage
from hypothesis import given
from hypothesis import strategies as st

from rag.prune.words import blocks, code


def read(text: str, masked: bool = False, marks: bool = False) -> list[str]:
    (block,) = blocks([passage("d", text)], masked=masked, marks=marks)
    return [block.word(number) for number in range(len(block.codes))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Keeper's lamp_2", ["the", "keeper", "s", "lamp_2"]),
        ("Straße ﬁne \uff21\uff22", ["strasse", "fine", "ab"]),
        ("東京都は暑い。", ["東京", "京都", "都は", "は暑", "暑い"]),
        ("コーヒー x 茶", ["コー", "ーヒ", "ヒー", "x", "茶"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("서울은 큰 도시", ["서울은", "큰", "도시"]),
        ("cafe\u0301 café", ["café", "café"]),
        ("a\x00b \ud800 c", ["a", "b", "c"]),
        ("— * —", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert read(text) == expected


def test_masked_numbers_and_runs_of_marks() -> None:
    assert read("3.10.2024 at 17:05, h2o", masked=True) == ["0", "0", "0", "at", "0", "0", "h0o"]
    assert read("a -- b ==== c", marks=True) == ["a", "b", "====", "c"]


def test_lettered() -> None:
    (block,) = blocks([passage("d", "4711 h2o 東京 ٣")])
    assert block.lettered.tolist() == [False, True, True, False]


@given(st.text(st.characters(max_codepoint=0xDFF, categories=["L", "N", "Po", "Zs"]), max_size=60))
def test_words_of_spaced_scripts_are_runs_of_letters_digits_and_marks(text: str) -> None:
    plain = unicodedata.normalize("NFKC", text).casefold()
    assert read(text) == regex.findall(r"[\w\p{M}]+", plain)


@given(st.lists(st.sampled_from(["lamp", "Öl", "京都", "x", "12", "aa", "a"]), max_size=30))
def test_equal_words_have_equal_numbers(words: list[str]) -> None:
    passages = [passage(f"d{at}", f"{word} | {word}") for at, word in enumerate(words)]
    for block in blocks(passages):
        expected = [code(word.casefold()) for word in words for _ in range(2)]
        assert block.codes.tolist() == expected
        assert len(set(expected)) == len(set(words))
