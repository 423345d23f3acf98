"""Passages of a fixed number of tokens that begin and end with sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from rag.chunk.context import Contexts
from rag.chunk.units import Unit, groups, units
from rag.errors import RequestError
from rag.places import place_of
from rag.protocols import Tokenizer
from rag.sentences import block_at
from rag.types import Document, Passage

DEFAULT_TOKENS = 256


class FixedChunker:
    """Packs whole sentences into passages of at most `max_tokens` of the encoder's tokens.

    Without `max_tokens` a passage is as long as the encoder reads, up to 256. The next passage
    repeats up to `overlap` tokens of the one before it, in whole sentences. A sentence that is
    too long alone is cut between tokens. A passage never spans two pages, so that the page of
    a citation is right. A table that fits into one passage stays whole. A passage's `context` is
    the document's title, the headings above it, and the column names of a table that it begins
    within.
    """

    def __init__(
        self,
        *,
        max_tokens: Annotated[int, Field(ge=8)] | None = None,
        overlap: Annotated[int, Field(ge=0)] = 0,
        context: Literal["headings", "none"] = "headings",
    ) -> None:
        self.max_tokens = max_tokens
        self.overlap = overlap
        self.context = context

    @classmethod
    def faults(cls, options: dict[str, object]) -> list[tuple[str, str]]:
        """An overlap must leave room for something new."""
        most, overlap = options.get("max_tokens") or DEFAULT_TOKENS, options.get("overlap") or 0
        if isinstance(most, int) and isinstance(overlap, int) and overlap >= most:
            return [("overlap", f"an overlap of {overlap} leaves nothing new in {most} tokens")]
        return []

    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        """The passages of `document`, in order."""
        most = self.max_tokens or min(tokenizer.limit, DEFAULT_TOKENS)
        if most > tokenizer.limit:
            raise RequestError(
                f"passages of {most} tokens are longer than the {tokenizer.limit} that the "
                "encoder reads: lower index.chunk.max_tokens"
            )
        contexts = Contexts(document, tokenizer, used=self.context == "headings")
        least = 0
        for run in self._runs(document, tokenizer, contexts, most):
            start, end = max(least, run[0].start), run[-1].end
            room = contexts.room(start, most)
            for piece in _fitting(document.text, start, end, tokenizer, room):
                least = piece[0]
                yield _passage(document, *piece, contexts.at(start))

    def _runs(
        self, document: Document, tokenizer: Tokenizer, contexts: Contexts, most: int
    ) -> Iterator[list[Unit]]:
        run: list[Unit] = []
        size = room = 0
        for group in groups(units(document, tokenizer, most), most):
            needed = sum(unit.tokens for unit in group)
            turned = bool(run) and group[0].page != run[-1].page
            if run and (turned or size + needed > room):
                yield run
                run = [] if turned else self._tail(run, room - needed)
                size = sum(one.tokens for one in run)
            first = not run
            run += group
            size += needed
            if first or size == needed:
                room = contexts.room(run[0].start, most)
        if run:
            yield run

    def _tail(self, run: list[Unit], room: int) -> list[Unit]:
        """The last units that fit into the overlap and beside the unit that comes next."""
        tail: list[Unit] = []
        left = min(self.overlap, room)
        for unit in reversed(run[1:]):
            left -= unit.tokens
            if left < 0:
                break
            tail.insert(0, unit)
        return tail


def _fitting(
    text: str, start: int, end: int, tokenizer: Tokenizer, most: int
) -> Iterator[tuple[int, int]]:
    """Spans without outer space that hold the text from `start` to `end` and are short enough.

    A span can have more tokens alone than its pieces had where they stood: a word cut in two,
    or one whose space before it is gone.
    """
    whole = text[start:end]
    start += len(whole) - len(whole.lstrip())
    whole = whole.strip()
    if not whole:
        return
    end = start + len(whole)
    spans = tokenizer.spans(whole)
    if len(spans) <= most or len(whole) == 1:
        yield start, end
        return
    middle = start + max(1, spans[most][0])
    yield from _fitting(text, start, middle, tokenizer, most)
    yield from _fitting(text, middle, end, tokenizer, most)


def _passage(document: Document, start: int, end: int, context: str) -> Passage:
    block = block_at(document.blocks, start)
    return Passage(
        document_id=document.id,
        start=start,
        end=end,
        text=document.text[start:end],
        source=document.source,
        title=document.title,
        page=block.page if block else None,
        headings=block.headings if block else (),
        metadata=document.metadata,
        context=context,
        place=place_of(document.blocks, start, end),
    )
