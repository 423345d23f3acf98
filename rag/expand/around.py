"""What stands around a span: the blocks that belong with it, and the sentences there."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import TypeAlias

from rag.sentences import boundaries
from rag.types import Block, Document

Span: TypeAlias = tuple[int, int]

_SPACE = re.compile(r"\s")


def stretch(
    document: Document, start: int, end: int, key: Callable[[Block], object], reach: int
) -> Span:
    """The blocks around `start` to `end` whose `key` is that of the span's own first or last.

    At most `reach` characters more at each side, in whole words where there are spaces. Text
    outside of all blocks is a stretch too.
    """
    blocks = document.blocks
    low, high = _within_reach(document.text, start, end, reach)
    first = bisect_right(blocks, start, key=lambda block: block.end)
    last = bisect_left(blocks, end, key=lambda block: block.start) - 1
    if first > last:
        before = blocks[last].end if last >= 0 else 0
        after = blocks[first].start if first < len(blocks) else len(document.text)
        return max(low, before), min(high, after)
    while first > 0 and blocks[first].start > low and key(blocks[first - 1]) == key(blocks[first]):
        first -= 1
    most = len(blocks) - 1
    while last < most and blocks[last].end < high and key(blocks[last + 1]) == key(blocks[last]):
        last += 1
    return max(low, min(start, blocks[first].start)), min(high, max(end, blocks[last].end))


def _within_reach(text: str, start: int, end: int, reach: int) -> Span:
    low, high = max(0, start - reach), min(len(text), end + reach)
    if low > 0 and (space := _SPACE.search(text, low, start)):
        low = space.end()
    if high < len(text):
        spaces = [space.start() for space in _SPACE.finditer(text, max(end, high - 100), high)]
        high = spaces[-1] if spaces else high
    return low, high


def sentences(document: Document, start: int, end: int) -> list[Span]:
    """The sentences and lines from `start` to `end`, without the space around them."""
    found = []
    for cut in boundaries(document, start, end):
        if document.text[start:cut].strip():
            found.append(trimmed(document.text, start, cut))
        start = cut
    return found


def trimmed(text: str, start: int, end: int) -> Span:
    """The span without the space at its ends."""
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())
