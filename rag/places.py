"""Where a span of a document stands when that is no page: slides, rows of a sheet, functions."""

from __future__ import annotations

from collections.abc import Sequence

from rag.sentences import blocks_within
from rag.types import Block


def place_of(blocks: Sequence[Block], start: int, end: int) -> str:
    """The place of `start` to `end` as people write it; "" where the blocks there have none.

    For example `slide 3`, `sheet Budget, rows 2-9`, or `00:01:23 - 00:02:10`.
    """
    within = [block for block in blocks_within(blocks, start, end) if block.place or block.row]
    if not within:
        return ""
    first, last = within[0], within[-1]
    if first.place == last.place and first.row and last.row:
        rows = f"row {first.row}" if first.row == last.row else f"rows {first.row}-{last.row}"
        return ", ".join(part for part in (first.place, rows) if part)
    return " - ".join(dict.fromkeys(_name(block) for block in (first, last)))


def _name(block: Block) -> str:
    row = f"row {block.row}" if block.row else ""
    return ", ".join(part for part in (block.place, row) if part)
