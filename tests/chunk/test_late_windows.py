"""Windows: all of the text, none too long, each beginning within the last."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chunk.windows import Window, windows
from rag.chunk.words import WordTokenizer
from rag.encode.tokens import ModelTokenizer
from rag.protocols import Tokenizer
from rag.testing.hashing import WordCounter

_ODD = st.text(alphabet=st.sampled_from("a lamp\n\t.x\u200b\u00a0東京é😀\ufeff\U0001f469\u200d"))
_TEXT = st.one_of(st.text(), _ODD, st.lists(_ODD, max_size=40).map(" ".join))


@pytest.fixture(scope="module", params=["words", "spaces", "pieces", "bytes"])
def tokenizer(
    request: pytest.FixtureRequest, encoder_folder: Path, byte_level_folder: Path
) -> Tokenizer:
    if request.param == "words":
        return WordTokenizer()
    if request.param == "spaces":
        return WordCounter()
    return ModelTokenizer(encoder_folder if request.param == "pieces" else byte_level_folder, 64)


@settings(max_examples=500, deadline=None)
@given(text=_TEXT, size=st.integers(16, 40), part=st.floats(0, 0.99))
def test_windows_cover_the_text(tokenizer: Tokenizer, text: str, size: int, part: float) -> None:
    overlap = int(size * part)
    found = list(windows(text, tokenizer, size, overlap))
    assert found == list(windows(text, tokenizer, size, overlap))
    assert bool(found) == bool(text.strip())
    if not found:
        return
    assert [one.first for one in found] == [True] + [False] * (len(found) - 1)
    assert [one.last for one in found] == [False] * (len(found) - 1) + [True]
    # What is new follows what was new before, without a gap.
    assert text[found[0].start : found[-1].end] == text.strip()
    assert found[0].new == found[0].start
    assert all(before.end == after.new for before, after in pairwise(found))
    for window in found:
        assert window.start <= window.new < window.end
        inside = tokenizer.spans(text[window.start : window.end])
        assert len(inside) <= size or window.end == window.start + 1


def test_windows_begin_with_words_of_the_one_before() -> None:
    text = " ".join(f"word{number}" for number in range(100))
    found = list(windows(text, WordCounter(), 40, 10))
    cut = [text[window.start : window.end].split() for window in found]
    assert [len(one) for one in cut] == [40, 40, 40]
    assert [text[window.new :].split()[0] for window in found] == ["word0", "word40", "word70"]
    assert [one[0] for one in cut] == ["word0", "word30", "word60"]


def test_words_are_not_cut(encoder_folder: Path) -> None:
    text = "the oils of a ferrys " * 40
    for window in windows(text, ModelTokenizer(encoder_folder, 64), 30, 8):
        for place in (window.start, window.end, window.new):
            assert place in {0, len(text.rstrip())} or text[place - 1] == " "


def test_runs_end_somewhere() -> None:
    for text in ("x" * 300_000, "a" + " " * 300_000 + "b", "京" * 30_000):
        found = list(windows(text, WordTokenizer(), 256, 64))
        assert found[-1].end == len(text)
        assert all(window.end - window.start <= 100_000 for window in found)


def test_a_window_alone() -> None:
    assert list(windows(" the lamp\n", WordCounter(), 16, 4)) == [Window(1, 9, 1, True, True)]
