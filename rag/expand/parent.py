"""Parents: the section that what was found stands in, or as much of it as there is room for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

import regex
from pydantic import Field

from rag.expand.around import Span, sentences, stretch, trimmed
from rag.scripts import UNSPACED, plain
from rag.sentences import blocks_within
from rag.types import Block, Document, Passage

_WORD = re.compile(r"\w+")
# Each character of the scripts written without spaces counts as a word.
_ANY_WORD = regex.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])\w)+")
# Text without a space must end somewhere too.
_LETTERS = 20


class ParentExpander:
    """Replaces a passage by the largest section around it that has at most `max_words` words.

    That is the whole document where it is short enough, else the section of the outermost
    heading, and so on inwards, and at last a section without the sections within it. Where that
    is too long, the sentences around the passage are taken in turn, one before and one after,
    while there is room. A word is counted as 20 characters at most, and each character of
    Chinese, Japanese, Thai and their like as a word.
    """

    def __init__(self, *, max_words: Annotated[int, Field(ge=10, le=100_000)] = 600) -> None:
        self.max_words = max_words

    def expand(self, passage: Passage, document: Document) -> tuple[int, int]:
        """The parent of `passage`; itself where it is as long already."""
        for start, end in self._sections(passage, document):
            if self._fits(document.text, start, end):
                return min(start, passage.start), max(end, passage.end)
        return self._grown(passage, document)

    def _sections(self, passage: Passage, document: Document) -> Iterator[Span]:
        """The sections around `passage`, the largest first."""
        yield trimmed(document.text, 0, len(document.text))
        for depth in (*range(1, len(_path(passage, document)) + 1), None):
            yield trimmed(document.text, *self._section(passage, document, depth))

    def _section(self, passage: Passage, document: Document, depth: int | None) -> Span:
        """The section of the first `depth` headings; None leaves out the sections within it.

        What is cut off of it is too long anyway.
        """

        def path(block: Block) -> object:
            return block.headings[:depth]

        return stretch(document, passage.start, passage.end, path, _LETTERS * self.max_words + 1)

    def _fits(self, text: str, start: int, end: int) -> bool:
        short = end - start <= _LETTERS * self.max_words
        return short and _words(text[start:end]) <= self.max_words

    def _grown(self, passage: Passage, document: Document) -> Span:
        """As many sentences around `passage` as there is room for, taken in turn."""
        start, end = passage.start, passage.end
        low, high = self._section(passage, document, None)
        sides = [sentences(document, low, start), sentences(document, end, high)[::-1]]
        room = self.max_words - _words(passage.text)
        while any(sides):
            for side in sides:
                if not side:
                    continue
                first, last = min(start, side[-1][0]), max(end, side[-1][1])
                room -= _words(document.text[slice(*side.pop())])
                if room < 0 or last - first > _LETTERS * self.max_words:
                    return start, end
                start, end = first, last
        return start, end


def _path(passage: Passage, document: Document) -> Sequence[str]:
    """The headings that all blocks of `passage` stand under."""
    paths = [one.headings for one in blocks_within(document.blocks, passage.start, passage.end)]
    if not paths:
        return ()
    least, most = min(paths), max(paths)
    shared = (place for place, (a, b) in enumerate(zip(least, most, strict=False)) if a != b)
    return least[: next(shared, min(len(least), len(most)))]


def _words(text: str) -> int:
    pattern = _WORD if plain(text) else _ANY_WORD
    return sum(1 for _ in pattern.finditer(text))
