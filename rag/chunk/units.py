"""The smallest pieces that a chunker keeps whole: sentences, and lines of tables and code."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.protocols import Tokenizer
from rag.sentences import block_at, boundaries
from rag.types import Document

# Text is segmented a window at a time, so that memory does not grow with a document.
_WINDOW = 100_000
# A run without a space can be one token for a model; it still has to end somewhere.
_LONGEST_TOKEN = 100


@dataclass(frozen=True, slots=True)
class Unit:
    """A span, its length in tokens, and the page that it stands on."""

    start: int
    end: int
    tokens: int
    page: int | None


def units(document: Document, tokenizer: Tokenizer, most: int) -> Iterator[Unit]:
    """Units of at most `most` tokens that cover the document's text, in order."""
    for start, end in _windows(document.text):
        tokens = _token_starts(tokenizer.spans(document.text[start:end]), start)
        for a, b, size in _cut(start, boundaries(document, start, end), tokens, most):
            block = block_at(document.blocks, a)
            yield Unit(a, b, size, block.page if block else None)


def _cut(
    start: int, cuts: Sequence[int], tokens: Sequence[int], most: int
) -> Iterator[tuple[int, int, int]]:
    """Spans between `cuts` with their number of tokens; `tokens` are where tokens begin."""
    first = 0
    for cut in cuts:
        last = bisect_left(tokens, cut, lo=first)
        while last - first > most:
            middle = tokens[first + most]
            yield start, middle, most
            start, first = middle, first + most
        if cut > start:
            yield start, cut, last - first
        start, first = cut, last


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Spans of up to _WINDOW characters that end with a paragraph, line, sentence or word."""
    start = 0
    while start < len(text):
        end = min(start + _WINDOW, len(text))
        if end < len(text):
            half = start + _WINDOW // 2
            ends = ((text.rfind(mark, half, end), mark) for mark in ("\n\n", "\n", ". ", " "))
            end = next((found + len(mark) for found, mark in ends if found >= 0), end)
        yield start, end
        start = end


def _token_starts(spans: Sequence[tuple[int, int]], offset: int) -> list[int]:
    starts: list[int] = []
    for start, end in spans:
        if end - start <= _LONGEST_TOKEN:
            starts.append(offset + start)
        else:
            starts.extend(range(offset + start, offset + end, _LONGEST_TOKEN))
    return starts
