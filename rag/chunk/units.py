"""The smallest pieces that a chunker keeps whole: sentences, and lines of tables and code.

`units` gives them in order; `rag.chunk.packing.Packing` makes runs of them, and
`rag.chunk.passages.Passages.of(start, end)` makes lawful passages of any spans.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.chunk.counting import readable
from rag.protocols import Tokenizer
from rag.sentences import block_at, boundaries
from rag.types import BlockKind, Document

# Text is segmented a window at a time, so that memory does not grow with a document.
_WINDOW = 100_000
# A run without a space can be one token for a model; it still has to end somewhere.
_LONGEST_TOKEN = 100


@dataclass(frozen=True, slots=True)
class Unit:
    """A span, its length in tokens, and the page that it stands on; `table` is where one began.

    `kind` is the kind of its block, and `path` the headings above it, where they are asked for.
    """

    start: int
    end: int
    tokens: int
    page: int | None
    table: int | None = None
    kind: BlockKind = "paragraph"
    path: tuple[str, ...] = ()


def groups(found: Iterable[Unit], most: int) -> Iterator[list[Unit]]:
    """Units that are to stay together: each alone, but a table of at most `most` tokens whole."""
    table: list[Unit] = []
    for unit in found:
        if table and (unit.table != table[0].table or _size(table) + unit.tokens > most):
            yield from [table] if unit.table != table[0].table else [[one] for one in table]
            table = []
        if unit.table is None:
            yield [unit]
        else:
            table.append(unit)
    if table:
        yield table


def units(document: Document, tokenizer: Tokenizer, most: int) -> Iterator[Unit]:
    """Units of at most `most` tokens that cover the document's text, in order.

    Tokens are counted where they stand: alone, or after a context, a unit can have others.
    """
    document = readable(document)
    last: Unit | None = None
    for start, end in windows(document.text, 0, len(document.text)):
        for unit in _window_units(document, tokenizer, most, start, end):
            if document.text[unit.start : unit.end].strip():
                if last is not None:
                    yield last
                last = unit
            elif last is not None:
                # Space is no unit: it could lie between two pages, and there can be much of it.
                last = replace(last, end=unit.end, tokens=min(most, last.tokens + unit.tokens))
    if last is not None:
        yield last


def _window_units(
    document: Document, tokenizer: Tokenizer, most: int, start: int, end: int
) -> Iterator[Unit]:
    text = document.text[start:end]
    if text.isspace():
        yield Unit(start, end, 0, None)
        return
    tokens = token_starts(tokenizer.spans(text), start)
    for a, b, size in _cut(start, boundaries(document, start, end), tokens, most):
        block = block_at(document.blocks, a)
        page = block.page if block else None
        # The rows of a sheet are blocks of their own, and whole as they are.
        whole = block is not None and block.kind == "table" and block.row is None
        kind = block.kind if block is not None and a < block.end else "paragraph"
        yield Unit(a, b, size, page, block.start if block and whole else None, kind)


def _size(units: Sequence[Unit]) -> int:
    return sum(unit.tokens for unit in units)


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


def windows(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Spans of up to _WINDOW characters that end with a paragraph, line, sentence or word."""
    while start < stop:
        end = min(start + _WINDOW, stop)
        if end < stop:
            half = start + _WINDOW // 2
            ends = ((text.rfind(mark, half, end), mark) for mark in ("\n\n", "\n", ". ", " "))
            end = next((found + len(mark) for found, mark in ends if found >= 0), end)
        yield start, end
        start = end


def token_starts(spans: Sequence[tuple[int, int]], offset: int) -> list[int]:
    """Where tokens begin; a token that is very long counts as several."""
    starts: list[int] = []
    for start, end in spans:
        if end - start <= _LONGEST_TOKEN:
            starts.append(offset + start)
        else:
            starts.extend(range(offset + start, offset + end, _LONGEST_TOKEN))
    return starts
