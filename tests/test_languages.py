"""The language of a document, and its sentences."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rag.languages import STEMMERS, UNSTEMMED, UNSURE, detect
from rag.sentences import boundaries
from rag.types import Document

GERMAN = (
    "Der Vertrag endet am 3. Oktober 2021, wie es die beiden Parteien vereinbart haben. "
    "Siehe z.B. Abs. 4, den Dr. Müller bzw. Frau Schmidt geschrieben hat. Das ist gut."
)
GREEK = "Τι ώρα φεύγει το πλοίο για το νησί; Φεύγει κάθε πρωί στις εννέα από το λιμάνι."  # noqa: RUF001


def sentences(text: str) -> list[str]:
    cuts = [0, *boundaries(Document("d", "d", text), 0, len(text))]
    return [text[a:b].strip() for a, b in pairwise(cuts)]


def test_abbreviations_and_dates_are_those_of_the_language() -> None:
    assert detect(GERMAN) == "de"
    assert [one[:3] for one in sentences(GERMAN)] == ["Der", "Sie", "Das"]


def test_marks_are_those_of_the_language() -> None:
    assert detect(GREEK) == "el"
    assert len(sentences(GREEK)) == 2


@pytest.mark.parametrize("language", [*STEMMERS, *UNSTEMMED])
def test_every_language_that_is_told_apart_has_sentences(language: str) -> None:
    import sentencex

    assert len(sentencex.segment(language, "Abc def. Ghi jkl!")) >= 1


def test_a_text_is_classified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from rag import languages

    calls = []
    identifier = languages._identifier()

    class Counted:
        def classify(self, sample: str) -> tuple[str, float]:
            calls.append(sample)
            found: tuple[str, float] = identifier.classify(sample)
            return found

    monkeypatch.setattr(languages, "_identifier", Counted)
    text = "This text is asked about more than once, whatever is cut from it. " * 40
    document = Document("d", "d", text)
    for start in range(0, len(text), 500):
        boundaries(document, start, len(text))
    assert detect(text) == "en"
    assert len(calls) == 1


def test_nothing_to_tell() -> None:
    assert {detect(text) for text in ("", " \n", "12 ... !", "\ufeff")} == {UNSURE}


def test_long_text_is_segmented_in_linear_time() -> None:
    text = "東京。" * 20_000
    assert len(sentences(text)) == 20_000


def test_a_stretch_ends_between_sentences() -> None:
    text = "The ferry leaves at nine and comes back at ten. " * 400
    found = sentences(text)
    assert set(found) == {"The ferry leaves at nine and comes back at ten."}
