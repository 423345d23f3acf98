"""What kind of answer a question asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answer.expected import Expected


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("When did the mill open?", {"time"}),
        ("How many looms are there?", {"number"}),
        ("How long is the break?", {"number", "time"}),
        ("Who signed the lease?", {"name"}),
        ("Which error code is shown?", {"code"}),
        ("What is the fine for a late book?", {"number"}),
        ("Is the mill open?", set()),
        ("Wann öffnet die Mühle?", {"time"}),
        ("Wie viele Webstühle gibt es?", {"number"}),
        ("Combien de métiers y a-t-il ?", {"number"}),
        ("¿Cuándo abre el molino?", {"time"}),
        ("磨坊什么时候开门", set()),
    ],
)
def test_kinds(question: str, kinds: set[str]) -> None:
    assert set(Expected(question).kinds) == kinds


@pytest.mark.parametrize(
    ("question", "text", "fit"),
    [
        ("When did the mill open?", "It opened on 3 May 1871.", 1),
        ("When did the mill open?", "It was open to all who came.", -1),
        ("How many looms are there?", "There are twelve looms.", 1),
        ("How many looms were there in 1871?", "In 1871 there was a hall of looms.", -1),
        ("Who signed the lease?", "The lease bears the name of Ada Brook.", 1),
        ("Who signed the lease?", "The lease was signed.", -1),
        ("Which error code is shown?", "The panel shows E17.", 1),
        ("Is the mill open?", "It opened in 1871.", 0),
        ("Wann öffnet die Mühle?", "Sie öffnet im Oktober.", 1),
    ],
)
def test_fit(question: str, text: str, fit: float) -> None:
    assert Expected(question).fit(text) == fit


@given(st.text(max_size=80), st.text(max_size=200))
def test_any_question_and_any_text(question: str, text: str) -> None:
    assert Expected(question).fit(text) in {-1.0, 0.0, 1.0}
    assert Expected(question).fit(question) <= 0, "a question holds no answer to itself"
