"""Where something stands in its document, as people write it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rag.sentences import blocks_within
from rag.types import Block


class Placed(Protocol):
    """A passage or a citation."""

    @property
    def source(self) -> str:
        """What a person would open."""
        ...

    @property
    def page(self) -> int | None:
        """Counted from 1; None where there are no pages."""
        ...

    @property
    def place(self) -> str:
        """Where to look when there are no pages: a slide, a sheet's rows, a function."""
        ...

    @property
    def headings(self) -> tuple[str, ...]:
        """Outermost first."""
        ...


def located(of: Placed, remark: str = "") -> str:
    """One line, for example "manual.pdf, page 3, Safety > Brakes", and a `remark`."""
    page = of.place or (f"page {of.page}" if of.page is not None else "")
    parts = (of.source, page, " > ".join(of.headings), remark)
    return ", ".join(" ".join(part.split()) for part in parts if part)


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
