"""Whatever a model writes becomes bounded text to search for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import ChatError
from rag.rewrite.replies import longest, passage, question, questions, said, same

LINES = ["when does the ferry leave", "ferry departure time", "ferry timetable"]
MANY = settings(max_examples=1_000, deadline=None)


@pytest.mark.parametrize(
    "reply",
    [
        "\n".join(LINES),
        "\r\n\r\n".join(LINES) + "\r\n",
        "\n".join(f"{number}. {line}" for number, line in enumerate(LINES, 1)),
        "\n".join(f"{number}) **{line}**" for number, line in enumerate(LINES, 1)),
        "\n".join(f"({number}) {line}" for number, line in enumerate(LINES, 1)),
        "\n".join(f"{number}、{line}" for number, line in enumerate(LINES, 1)),
        "Here are three rewrites:\n\n" + "\n".join(f"- {line}" for line in LINES) + "\nGood luck!",
        "Rewrites:\n" + "\n".join(LINES),
        "\n".join(f'* "{line}"' for line in LINES),
        "\n".join(f"• “{line}”" for line in LINES),
        json.dumps(LINES),
        json.dumps(LINES, indent=2),
        json.dumps({"rewrites": LINES}),
        "```json\n" + json.dumps([*LINES, 7, None, ["x"], "  "]) + "\n```",
        "<think>Three?\n1. no\n</think>\n" + "\n".join(LINES),
        "<rewrites>\n" + "\n".join(LINES) + "\n</rewrites>",
        "\n".join([LINES[0], LINES[0].upper(), " " + LINES[0] + " ", *LINES[1:], LINES[2] + " "]),
        "\n".join([*LINES[:2], "x" * 401, LINES[2]]),
    ],
)
def test_lists_in_many_forms(reply: str) -> None:
    assert questions(reply, 5, 400) == LINES


def test_no_more_than_wanted() -> None:
    assert questions("\n".join(LINES), 2, 400) == LINES[:2]
    assert questions("1.5 litre engines\nengines of 1.5 l", 5, 400)[0] == "1.5 litre engines"


@pytest.mark.parametrize(
    "reply",
    ["", " \n ", "<think>still thinking", "[]", "{}", '["cut of', '{"a": "b", "c": []}', "x" * 500,
     "Here they are:", "[" * 100_000, '""', "-\n-\n"],
)  # fmt: skip
def test_no_list_at_all(reply: str) -> None:
    with pytest.raises(ChatError) as caught:
        questions(reply, 3, 400)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_one_question() -> None:
    assert question(' "When does it leave?"\n', 400) == "When does it leave?"
    assert question("<think>a\nb</think>\n\nWhen?", 400) == "When?"
    assert question("When\x00does\x1bit\u0085leave?", 400) == "When does it leave?"
    assert question("say \ud83d", 400) == "say ?"


@pytest.mark.parametrize(
    ("reply", "told"),
    [("", "is empty"), ('""', "is empty"), ("one\ntwo", "has 2 lines"), ("x" * 401, "401 char")],
)
def test_no_question(reply: str, told: str) -> None:
    with pytest.raises(ChatError, match=told):
        question(reply, 400)


def test_passages_are_cut_between_words() -> None:
    assert passage("The ferry\n\nleaves.", 40) == ("The ferry leaves.", False)
    assert passage("The ferry leaves at nine.", 12) == ("The ferry", True)
    assert passage("The ferry leaves", 9) == ("The ferry", True)
    assert passage("船は九時に出ます", 4) == ("船は九時", True)
    assert passage("<passage>Nine.</passage>", 40) == ("Nine.", False)
    assert len(passage("word " * 200_000, 1_200)[0]) <= 1_200


def test_a_rewrite_may_be_longer_than_a_short_question() -> None:
    assert longest("And it?") == 400
    assert longest("x" * 1_000) == 2_000


@MANY
@given(st.text(max_size=200), st.integers(1, 5), st.integers(1, 60))
def test_any_reply_gives_bounded_lines(reply: str, n: int, bound: int) -> None:
    try:
        found = questions(reply, n, bound)
    except ChatError:
        return
    assert 1 <= len(found) <= n
    assert len({same(one) for one in found}) == len(found)
    for one in found:
        assert one == " ".join(one.split()) and 0 < len(one) <= bound
        one.encode()


@MANY
@given(st.permutations(["alpha one", "beta two", "Alpha  one", "gamma", "", "beta two "]))
def test_the_order_of_lines_decides_only_the_order(lines: list[str]) -> None:
    found = questions("\n".join(lines), 9, 50)
    assert {same(one) for one in found} == {"alpha one", "beta two", "gamma"}
    firsts = list(dict.fromkeys(same(line) for line in lines if line))
    assert [same(one) for one in found] == firsts


@MANY
@given(st.text(max_size=300), st.integers(1, 100))
def test_any_reply_gives_a_bounded_passage(reply: str, bound: int) -> None:
    text, cut = passage(reply, bound)
    assert len(text) <= bound
    assert " ".join(said(reply).split()).startswith(text)
    assert cut == (text != " ".join(said(reply).split()))
