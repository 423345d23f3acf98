"""Windows cover a text, move on, and fit."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rag.batching import batches_of_tokens
from rag.rerank.windows import best, cut


@given(
    lengths=st.lists(st.integers(1, 9), max_size=60),
    room=st.integers(1, 20),
    overlap=st.integers(0, 30),
)
def test_windows_cover_the_text_and_fit(lengths: list[int], room: int, overlap: int) -> None:
    words = [chr(97 + number % 26) * length for number, length in enumerate(lengths)]
    text = " ".join(words)
    spans, start = [], 0
    for word in words:
        spans.append((start, start + len(word)))
        start += len(word) + 1
    parts = [part.split(" ") for part in cut(text, spans, room, overlap)]
    if len(words) <= room:
        assert parts == [text.split(" ")]
        return
    shared = min(overlap, room // 2)
    assert all(1 <= len(part) <= room for part in parts)
    assert all(len(part) == room for part in parts[:-1])
    assert [*parts[0], *(word for part in parts[1:] for word in part[shared:])] == words
    for one, after in pairwise(parts):
        assert one[len(one) - shared :] == after[:shared]


def test_a_text_that_fits_is_left_as_it_is() -> None:
    assert cut("  a b\n", [(2, 3), (4, 5)], 2, 1) == ["  a b\n"]
    assert cut("", [], 2, 1) == [""]


def test_the_best_window_counts() -> None:
    assert best([1.0, 3.0, 2.0, -4.0, -5.0], [3, 1, 1]) == [3.0, -4.0, -5.0]
    assert best([], []) == []


@given(st.lists(st.integers(1, 300), max_size=80), st.integers(1, 400))
def test_batches_hold_each_position_once_and_fit(lengths: list[int], tokens: int) -> None:
    made = list(batches_of_tokens(lengths, tokens))
    assert sorted(one for batch in made for one in batch) == list(range(len(lengths)))
    longest = [lengths[batch[0]] for batch in made]
    assert longest == sorted(longest, reverse=True)
    for batch, most in zip(made, longest, strict=True):
        assert most == max(lengths[one] for one in batch)
        assert len(batch) == 1 or len(batch) * most <= tokens
