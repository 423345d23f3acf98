from hypothesis import given
from hypothesis import strategies as st

from rag.cli.snippet import matcher, snippet


def test_the_words_of_the_question_are_matched_whole_and_in_any_case() -> None:
    words = matcher("What is a Notice (period)?")
    text = "The NOTICE of the period, unnoticed"
    assert [found[0] for found in words.finditer(text)] == ["NOTICE", "period"]


def test_a_question_without_words_matches_nothing() -> None:
    assert not matcher("?!").search("anything ?!")


def test_the_snippet_is_where_the_words_stand_together() -> None:
    filler = "nothing of note " * 40
    text = f"ferry {filler} the ferry Aurelia sails {filler}"
    shown = snippet(text, matcher("ferry Aurelia sails"))
    assert "the ferry Aurelia sails" in shown
    assert shown.startswith("…") and shown.endswith("…")


@given(st.text(max_size=600), st.text(max_size=20))
def test_a_snippet_is_short_and_harmless(text: str, question: str) -> None:
    shown = snippet(text, matcher(question))
    assert len(shown) <= 242
    assert "\x1b" not in shown and "\n" not in shown
    assert shown.strip("…") in " ".join(
        "".join(c for c in text if c == "\t" or c == "\n" or c not in _steering()).split()
    )


def _steering() -> set[str]:
    numbers = [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    return {chr(number) for number in numbers}
