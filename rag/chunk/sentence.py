"""Passages of a number of sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field

from rag.chunk.context import ContextKind
from rag.chunk.packing import Groups, Packing, flat, total
from rag.chunk.passages import Passages
from rag.chunk.units import Unit, units
from rag.protocols import Tokenizer
from rag.types import Document, Passage


class SentenceChunker:
    """Cuts a document into passages of `sentences` whole sentences.

    A row of a table, a line of code and an item of a list count as sentences; a heading goes
    with the sentence that follows it. The next passage repeats the last `overlap` sentences of
    the one before it. No passage has more than `max_tokens` of the encoder's tokens (as many as
    it reads, up to 256, where this is not given): one that would is ended sooner, and a sentence
    that is too long alone is cut between tokens. A passage never spans two pages. `context` is
    as in `fixed`. Short passages are exact and say little: they go well with a wider window
    around what is found.
    """

    def __init__(
        self,
        *,
        sentences: Annotated[int, Field(ge=1)] = 1,
        overlap: Annotated[int, Field(ge=0)] = 0,
        max_tokens: Annotated[int, Field(ge=8)] | None = None,
        context: ContextKind = "headings",
    ) -> None:
        self.sentences = sentences
        self.overlap = overlap
        self.max_tokens = max_tokens
        self.context = context

    @classmethod
    def faults(cls, options: dict[str, object]) -> list[tuple[str, str]]:
        """An overlap must leave room for a new sentence."""
        most, overlap = options.get("sentences", 1), options.get("overlap", 0)
        if isinstance(most, int) and isinstance(overlap, int) and overlap >= most:
            named = f"{most} sentence{'' if most == 1 else 's'}"
            return [("overlap", f"an overlap of {overlap} leaves nothing new in {named}")]
        return []

    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        """The passages of `document`, in order."""
        passages = Passages(document, tokenizer, max_tokens=self.max_tokens, context=self.context)
        packing = Packing(passages.room, tail=self._tail, most_groups=self.sentences)
        found = units(document, tokenizer, passages.most)
        for run in packing.runs(_with_headings(found)):
            yield from passages.of(run[0].start, run[-1].end)

    def _tail(self, run: Groups, room: int) -> Groups:
        """The last sentences that fit into the overlap and beside the one that comes next."""
        tail: Groups = []
        for group in reversed(run[1:]):
            if len(tail) == self.overlap or total(flat(tail)) + total(group) > room:
                break
            tail.insert(0, group)
        return tail


def _with_headings(found: Iterable[Unit]) -> Iterator[list[Unit]]:
    """Each sentence with the headings right above it on its page."""
    group: list[Unit] = []
    for unit in found:
        if group and group[-1].page != unit.page:
            yield group
            group = []
        group.append(unit)
        if unit.kind != "heading":
            yield group
            group = []
    if group:
        yield group
