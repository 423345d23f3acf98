"""Where text may be cut: after sentences, between blocks, and between lines that mean something."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from rag.types import Block, Document

_LINED = ("table", "code", "list")


def boundaries(document: Document, start: int, end: int) -> list[int]:
    """Offsets after `start` up to `end`, ascending, `end` included, where the text may be cut.

    Sentences are found by the sentencex library, whose rules know many languages.
    """
    import sentencex

    text = document.text[start:end]
    cuts = {start + one["end_index"] for one in sentencex.get_sentence_boundaries("en", text)}
    for block in blocks_within(document.blocks, start, end):
        cuts.update((block.start, block.end))
        if block.kind in _LINED:
            # A table may be far longer than the part of it that is asked for.
            last = min(block.end, end)
            position = document.text.find("\n", max(block.start, start), last)
            while position >= 0:
                cuts.add(position + 1)
                position = document.text.find("\n", position + 1, last)
    cuts.add(end)
    return sorted(cut for cut in cuts if start < cut <= end)


def blocks_within(blocks: Sequence[Block], start: int, end: int) -> Sequence[Block]:
    """The blocks that share a character with `start` to `end`."""
    first = bisect_right(blocks, start, key=lambda block: block.end)
    last = bisect_left(blocks, end, key=lambda block: block.start)
    return blocks[first:last]


def block_at(blocks: Sequence[Block], offset: int) -> Block | None:
    """The last block that begins at or before `offset`; None before the first."""
    position = bisect_right(blocks, offset, key=lambda block: block.start) - 1
    return blocks[position] if position >= 0 else None
