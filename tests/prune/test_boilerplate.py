"""Lines that many documents share, against paragraphs that one has."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from gathering import ENGLISH, GERMAN, JAPANESE, passage, reason, scores

from rag.prune.boilerplate import BoilerplatePruner

COOKIES = {
    "en": "We use cookies to improve this site. Accept all?",
    "de": "Wir verwenden Cookies, um diese Website zu verbessern. Alle akzeptieren?",
    "ja": "当サイトではクッキーを使用しています。すべて許可しますか\uff1f",
}
PARAGRAPHS = {"en": ENGLISH, "de": GERMAN, "ja": JAPANESE}


@pytest.mark.parametrize("language", COOKIES)
def test_a_notice_around_paragraphs_and_alone(language: str) -> None:
    notice, paragraphs = COOKIES[language], PARAGRAPHS[language]
    texts = {f"page{at}": f"{text}\n{notice}" for at, text in enumerate(paragraphs)}
    texts |= {f"notice{at}": notice for at in range(3)}
    texts |= {f"text{at}": text + "!" for at, text in enumerate(paragraphs[::-1])}
    del texts["text0"]
    found = scores(BoilerplatePruner(), texts)
    assert {found[name] for name in texts if name.startswith("notice")} == {0.0}
    assert all(0.2 < found[f"page{at}"] < 0.8 for at in range(6))
    assert {found[name] for name in texts if name.startswith("text")} == {1.0}


def furnished(lines: Sequence[str]) -> dict[str, float]:
    texts = {f"f{at}": line for at, line in enumerate(lines)}
    texts |= {f"t{at}": text for at, text in enumerate(ENGLISH)}
    found = scores(BoilerplatePruner(), texts)
    assert {found[f"t{at}"] for at in range(len(ENGLISH))} == {1.0}
    return {line: found[f"f{at}"] for at, line in enumerate(lines)}


@pytest.mark.parametrize(
    "lines",
    [
        [f"Page {at} of 10" for at in range(1, 9)],
        [f"Seite {at}, Stand: {at + 9}.0{at}.202{at}" for at in range(1, 9)],
        [f"© {2000 + at} Oakmere Ltd. All rights reserved." for at in range(8)],
        [f"PAGE  {at} /\t10" if at % 2 else f"Page {at} / 10" for at in range(8)],
        [f"Home | About | Contact\n© Oakmere {2000 + at}" for at in range(8)],
        [f"{at} / 10 ページ" for at in range(8)],
    ],
)
def test_furniture_with_other_numbers(lines: list[str]) -> None:
    assert set(furnished(lines).values()) == {0.0}


def test_numbers_count_where_they_are_not_masked() -> None:
    texts = {f"d{at}": f"Notice period: {at} months" for at in range(8)}
    assert set(scores(BoilerplatePruner(mask_numbers=False), texts).values()) == {1.0}
    assert set(scores(BoilerplatePruner(), texts).values()) == {0.0}


def test_what_is_short_but_said_once_is_kept() -> None:
    lines = ["Notice period: 3 months.", *["Home\nAbout\nContact"] * 5]
    assert furnished(lines)["Notice period: 3 months."] == 1.0


def test_columns_of_numbers_and_common_short_sentences_are_no_boilerplate() -> None:
    tables = [f"{at}\n{at * 7}\n3.5\n" for at in range(1, 9)]
    assert set(furnished(tables).values()) == {1.0}
    sentences = [f"See Fig. {letter * 3} for what {letter}{letter} does." for letter in "abcdefgh"]
    assert set(furnished(sentences).values()) == {1.0}


def test_thresholds() -> None:
    texts = {f"d{at}": f"{ENGLISH[at]}\nAll rights reserved" for at in range(3)}
    assert min(scores(BoilerplatePruner(), texts).values()) == 1.0
    assert max(scores(BoilerplatePruner(documents=3), texts).values()) < 1.0
    many = texts | {f"x{at}": f"{letter * 4} {letter * 5}" for at, letter in enumerate("abcdefgh")}
    assert max(scores(BoilerplatePruner(documents=3, share=0.2), many).values()) == 1.0
    assert min(scores(BoilerplatePruner(documents=3, share=0.5), many).values()) == 1.0


def test_repetition_within_one_document_is_none() -> None:
    passages = [
        passage("book", f"The Orchard\n{text}", at * 100) for at, text in enumerate(ENGLISH)
    ]
    passages += [passage("book", "The Orchard", 5_000)]
    assert scores(BoilerplatePruner(documents=2), passages) == {"book": 1.0}


def test_the_reason_names_the_share() -> None:
    texts = {f"p{at}": f"{text}\nAll rights are reserved" for at, text in enumerate(ENGLISH)}
    assert reason(BoilerplatePruner(), texts, "p0") == (
        "24% of its words are in lines that 4 or more documents have"
    )
