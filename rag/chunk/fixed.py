"""Passages of a fixed number of tokens that begin and end with sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from rag.chunk.context import ContextKind
from rag.chunk.packing import Groups, Packing, flat
from rag.chunk.passages import Passages, overlap_faults
from rag.chunk.units import groups, units
from rag.protocols import Tokenizer
from rag.types import Document, Passage


class FixedChunker:
    """Fills passages with whole sentences, each up to `max_tokens` of the encoder's tokens.

    Every passage is as long as whole sentences allow, whatever the document's structure:
    `sentence` counts sentences, and `structure` follows headings. Without `max_tokens` a
    passage is as long as the encoder reads, up to 256. The next passage repeats up to `overlap`
    tokens of the one before it, in whole sentences. A sentence that is too long alone is cut
    between tokens. A passage never spans two pages, so that the page of a citation is right. A
    table that fits into one passage stays whole. `context` is what the encoder and BM25 read
    before the text: nothing, the document's `title`, with the `headings` above the passage, or
    with a `summary`, the first sentence of the document; and the column names of a table that
    the passage begins within.
    """

    def __init__(
        self,
        *,
        max_tokens: Annotated[int, Field(ge=8)] | None = None,
        overlap: Annotated[int, Field(ge=0)] = 0,
        context: ContextKind = "headings",
    ) -> None:
        self.max_tokens = max_tokens
        self.overlap = overlap
        self.context = context

    @classmethod
    def faults(cls, options: dict[str, object]) -> list[tuple[str, str]]:
        """An overlap must leave room for something new."""
        return overlap_faults(options)

    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        """The passages of `document`, in order."""
        passages = Passages(document, tokenizer, max_tokens=self.max_tokens, context=self.context)
        packing = Packing(passages.room, tail=self._tail if self.overlap else None)
        found = units(document, tokenizer, passages.most)
        for run in packing.runs(groups(found, passages.most)):
            yield from passages.of(run[0].start, run[-1].end)

    def _tail(self, run: Groups, room: int) -> Groups:
        """The last units that fit into the overlap and beside the unit that comes next."""
        tail: Groups = []
        left = min(self.overlap, room)
        for unit in reversed(flat(run)[1:]):
            left -= unit.tokens
            if left < 0:
                break
            tail.insert(0, [unit])
        return tail
