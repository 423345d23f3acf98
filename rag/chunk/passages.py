"""Spans of a document made into passages that keep the laws, whatever cut them.

A chunker decides where a document is cut; `Passages` sees to the rest: no passage, with its
context, has more tokens than may be, none is empty, and its place is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from rag.chunk.context import ContextKind, Contexts
from rag.chunk.counting import Counter, readable
from rag.errors import RequestError
from rag.places import place_of
from rag.protocols import Tokenizer
from rag.sentences import block_at, blocks_within
from rag.types import Document, Passage

DEFAULT_TOKENS = 256
_TEXT = re.compile(r"\S")


class Passages:
    """Makes the passages of one document.

    `most` is how many tokens a passage's text may have: `max_tokens`, or without it as many as
    the encoder reads, up to 256. Raises RequestError where `max_tokens` is more than it reads.
    """

    def __init__(
        self,
        document: Document,
        tokenizer: Tokenizer,
        *,
        max_tokens: int | None = None,
        context: ContextKind = "headings",
    ) -> None:
        self.most = longest(max_tokens, tokenizer)
        self.counter = Counter(tokenizer)
        self._document = document
        self._contexts = Contexts(readable(document), self.counter, kind=context)
        self._least = 0
        self._fit: tuple[int, int] | None = None

    def room(self, start: int) -> int:
        """Tokens that the text of a passage which starts at `start` may have, with its context."""
        return self._contexts.room(self._begins(start), self.most)

    def fits(self, start: int, end: int) -> bool:
        """Whether the text from `start` to `end` is one passage, uncut."""
        start = self._begins(start)
        text = self._text[start:end].rstrip()
        fits = self._excess(text, self._contexts.at(start), self.room(start)) <= 0
        if fits:
            self._fit = start, start + len(text)
        return fits

    def of(self, start: int, end: int) -> Iterator[Passage]:
        """Passages that hold the text from `start` to `end`, without space around it.

        That is one where it fits, or several, cut between tokens. Spans are to be given in
        ascending order; they may overlap, and what would not ascend is cut off.
        """
        start = self._begins(max(start, self._least))
        context, room = self._contexts.at(start), self.room(start)
        for first, last in self._fitting(start, end, context, room):
            self._least = first
            yield self._passage(first, last, context)

    def _begins(self, start: int) -> int:
        """Where text begins at or after `start`: space before it may lie under another heading."""
        found = _TEXT.search(self._text, start)
        return found.start() if found else start

    @cached_property
    def _text(self) -> str:
        return readable(self._document).text

    def _fitting(self, start: int, end: int, context: str, room: int) -> Iterator[tuple[int, int]]:
        """Spans that are short enough.

        A span can have more tokens alone than its pieces had where they stood: a word cut in
        two, or one whose space before it is gone. So each is counted as it will be read.
        """
        whole = self._text[start:end]
        start += len(whole) - len(whole.lstrip())
        whole = whole.strip()
        if not whole:
            return
        end = start + len(whole)
        excess = 0 if self._fit == (start, end) else self._excess(whole, context, room)
        if excess <= 0 or len(whole) == 1:
            yield start, end
            return
        spans = self.counter.spans(whole)
        kept = min(max(len(spans) - excess, 0), len(spans) - 1)
        middle = start + min(max(1, spans[kept][0]), len(whole) - 1) if spans else start + 1
        yield from self._fitting(start, middle, context, room)
        yield from self._fitting(middle, end, context, room)

    def _excess(self, text: str, context: str, room: int) -> int:
        """How many tokens are too many, for the text alone or with its context."""
        excess = self.counter.count(text) - room
        if excess <= 0 and context:
            excess = self.counter.count(f"{context}\n{text}") - self.counter.limit
        return excess

    def _passage(self, start: int, end: int, context: str) -> Passage:
        document = self._document
        block = block_at(document.blocks, start)
        shared = blocks_within(document.blocks, start, end)
        return Passage(
            document_id=document.id,
            start=start,
            end=end,
            text=document.text[start:end],
            source=document.source,
            title=document.title,
            page=shared[0].page if shared else None,
            headings=block.headings if block else (),
            metadata=document.metadata,
            context=context,
            place=place_of(document.blocks, start, end),
        )


def longest(max_tokens: int | None, tokenizer: Tokenizer) -> int:
    """The most tokens of a passage. Raises RequestError where the encoder does not read them."""
    if max_tokens is not None and max_tokens > tokenizer.limit:
        raise RequestError(
            f"passages of {max_tokens} tokens are longer than the {tokenizer.limit} that the "
            "encoder reads: lower index.chunk.max_tokens"
        )
    return max_tokens or min(tokenizer.limit, DEFAULT_TOKENS)


def overlap_faults(options: dict[str, object]) -> list[tuple[str, str]]:
    """An overlap in tokens must leave room for something new."""
    most, overlap = options.get("max_tokens") or DEFAULT_TOKENS, options.get("overlap") or 0
    if isinstance(most, int) and isinstance(overlap, int) and overlap >= most:
        return [("overlap", f"an overlap of {overlap} leaves nothing new in {most} tokens")]
    return []
