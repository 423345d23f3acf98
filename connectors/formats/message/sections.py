"""A text put together of what several formats made, with the blocks of each in their places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rag.connectors.formats.blocks import paragraphs
from rag.connectors.formats.format import Parsed
from rag.types import Block, BlockKind

_GAP = "\n\n"


class Sections:
    """Text and blocks that grow by one section after the other."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self.length = 0

    @property
    def text(self) -> str:
        """All that was added, blank lines between the sections."""
        return _GAP.join(self._parts)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of `text`."""
        return tuple(self._blocks)

    def add(
        self,
        text: str,
        kind: BlockKind = "paragraph",
        headings: tuple[str, ...] = (),
        place: str = "",
    ) -> None:
        """Add one block; one without any text is left out."""
        body = text.strip()
        if body:
            self.append(body, [Block(0, len(body), kind)], headings, place)

    def take(self, parsed: Parsed, headings: tuple[str, ...] = (), place: str = "") -> None:
        """Add all that a format read, beneath `headings` and at `place`."""
        text = parsed.text
        blocks = parsed.blocks or [Block(a, b) for a, b in paragraphs(text, 0, len(text))]
        self.append(text, blocks, headings, place)

    def append(
        self, text: str, blocks: Iterable[Block], headings: tuple[str, ...], place: str
    ) -> None:
        """Add `text` with its own `blocks`, beneath `headings` and at `place`."""
        start = self.length + (len(_GAP) if self._parts else 0)
        self._parts.append(text)
        self.length = start + len(text)
        self._blocks += [
            replace(
                block,
                start=start + block.start,
                end=start + block.end,
                headings=headings + block.headings,
                place=", ".join(part for part in (place, block.place) if part),
            )
            for block in blocks
        ]
