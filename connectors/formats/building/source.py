"""Blocks of a text that is the file itself, so that quotes can be found in it: whole lines."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from itertools import accumulate

from rag.types import Block, BlockKind


class Source:
    """A text by its lines, counted from 0, and the blocks made of them in order."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self.lines)]
        self.blocks: list[Block] = []

    def line_at(self, offset: int) -> int:
        """The line that holds the character at `offset`."""
        return min(bisect_right(self._starts, offset), len(self.lines)) - 1

    def add(
        self,
        first: int,
        end: int,
        kind: BlockKind = "paragraph",
        headings: tuple[str, ...] = (),
        *,
        place: str = "",
        header: str = "",
    ) -> None:
        """Make a block of the lines from `first` up to `end`, without blank lines around it.

        Code keeps the indentation of its first line. Lines without any text make no block.
        """
        while first < end and not self.lines[first].strip():
            first += 1
        while first < end and not self.lines[end - 1].strip():
            end -= 1
        if first == end:
            return
        line = self.lines[first]
        indent = 0 if kind == "code" else len(line) - len(line.lstrip())
        stop = self._starts[end - 1] + len(self.lines[end - 1].rstrip())
        self.blocks.append(
            Block(
                self._starts[first] + indent, stop, kind, headings=headings, place=place,
                header=header,
            )
        )  # fmt: skip

    def extend(self, end: int) -> None:
        """Let the last block reach up to line `end`."""
        stop = self._starts[end - 1] + len(self.lines[end - 1].rstrip())
        self.blocks[-1] = replace(self.blocks[-1], end=stop)

    def paragraphs(
        self,
        first: int,
        end: int,
        kind: BlockKind = "paragraph",
        headings: tuple[str, ...] = (),
        *,
        place: str = "",
    ) -> None:
        """Make blocks of the lines from `first` up to `end`, parted by blank lines."""
        begin = first
        for number in range(first, end):
            if not self.lines[number].strip():
                self.add(begin, number, kind, headings, place=place)
                begin = number + 1
        self.add(begin, end, kind, headings, place=place)
