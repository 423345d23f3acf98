"""Text that comes in pieces is the same text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chat.answered import reply_of
from rag.chat.pieces import pieces

# Whatever pieces may be cut in, and much of it together.
_PARTS = (
    "<think>",
    "</think>",
    "<thi",
    "nk>",
    "</",
    " ",
    "\n",
    "\u2003",
    "a",
    "é",
    "\ud83d",
    "\ude00",
)
_TEXTS = st.lists(st.sampled_from(_PARTS) | st.text(max_size=3), max_size=12)


def whole(text: str) -> str:
    """`text` as a reply that comes at once has it."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return reply_of(joined.encode("utf-8", "replace").decode()).text


@given(_TEXTS)
def test_together_they_are_the_reply(texts: list[str]) -> None:
    found = list(pieces(texts))
    assert "".join(found) == whole("".join(texts))
    assert all(found)
    for piece in found:
        piece.encode()  # characters are whole


@given(_TEXTS)
def test_cuts_do_not_matter(texts: list[str]) -> None:
    assert "".join(pieces("".join(texts))) == whole("".join(texts))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["The ", "lamp"], ["The", " lamp"]),
        ([" ", "\n The", "", " ", "lamp", " \n"], ["The", " lamp"]),
        (["<th", "ink>secret</thi", "nk>", "\n\nThe lamp"], ["The lamp"]),
        (["<", "b>"], ["<b>"]),
        (["<thi"], ["<thi"]),
        (["<think>secret"], []),
        (["<think>a</thi nk>", "</think>b"], ["b"]),
        (["a<think>b</think>"], ["a<think>b</think>"]),
        (["a\ud83d", "\ude00b"], ["a", "😀b"]),
        (["a\ud83d", "b"], ["a", "?b"]),
        (["a\ud83d"], ["a", "?"]),
        ([" ", ""], []),
    ],
)
def test_examples(texts: list[str], expected: list[str]) -> None:
    assert list(pieces(texts)) == expected


def test_endless_white_space_costs_little() -> None:
    assert list(pieces(["a", *[" "] * 300_000, "b"])) == ["a", " " * 300_000 + "b"]
