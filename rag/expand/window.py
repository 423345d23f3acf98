"""Sentence windows: the sentences around what was found."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rag.expand.around import sentences, stretch
from rag.types import Block, Document, Passage

# Where no sentence ends within so many characters, the window does.
_LONGEST = 1_000


class WindowExpander:
    """Adds up to `sentences` sentences before a passage and as many after it.

    A sentence that the passage begins or ends within is completed first. A window stays within
    its page and its section, and a line of a table, of code or of a list counts as a sentence.
    """

    def __init__(self, *, sentences: Annotated[int, Field(ge=1, le=100)] = 2) -> None:
        self.sentences = sentences

    def expand(self, passage: Passage, document: Document) -> tuple[int, int]:
        """The window around `passage`."""
        start, end = passage.start, passage.end
        reach = _LONGEST * (self.sentences + 1)
        low, high = stretch(document, start, end, _page_and_section, reach)
        found = sentences(document, low, high)
        own = [place for place, (a, b) in enumerate(found) if a < end and start < b]
        if not own:
            return start, end
        first = max(own[0] - self.sentences, 0)
        last = min(own[-1] + self.sentences, len(found) - 1)
        return min(start, found[first][0]), max(end, found[last][1])


def _page_and_section(block: Block) -> object:
    return block.page, block.headings
