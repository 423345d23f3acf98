"""Passages along the structure of a document: its headings, paragraphs, tables, code, pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from rag.chunk.context import ContextKind
from rag.chunk.counting import readable
from rag.chunk.elements import Element, elements
from rag.chunk.merging import as_run, merged
from rag.chunk.packing import Packing, by_page, total
from rag.chunk.passages import Passages
from rag.chunk.splitting import Splitter
from rag.chunk.units import Unit
from rag.protocols import Tokenizer
from rag.types import Document, Passage


class StructureChunker:
    """Cuts a document where its author did: at headings, paragraphs, tables, code and pages.

    Neighbours under the same headings share a passage up to `max_tokens` of the encoder's
    tokens (as many as it reads, up to 256, where this is not given). What is shorter than
    `min_tokens` (a quarter of that) joins a neighbour under other headings, first the one that
    shares the most of them. A heading stays with what it heads. A table, a list or code that is
    too long is cut between lines, and a paragraph between sentences; a single line or sentence
    that is too long alone is cut between words. No passage spans two pages or slides. In text
    without marked structure blank lines, long lines and short lines above paragraphs stand for
    it. `context` is as in `fixed`.
    """

    def __init__(
        self,
        *,
        max_tokens: Annotated[int, Field(ge=8)] | None = None,
        min_tokens: Annotated[int, Field(ge=0)] | None = None,
        context: ContextKind = "headings",
    ) -> None:
        self.max_tokens = max_tokens
        self.min_tokens = min_tokens
        self.context = context

    @classmethod
    def faults(cls, options: dict[str, object]) -> list[tuple[str, str]]:
        """What is short must be shorter than what is long."""
        most, least = options.get("max_tokens"), options.get("min_tokens")
        if isinstance(most, int) and isinstance(least, int) and least > most:
            return [("min_tokens", f"{least} tokens are more than the {most} of 'max_tokens'")]
        return []

    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        """The passages of `document`, in order."""
        passages = Passages(document, tokenizer, max_tokens=self.max_tokens, context=self.context)
        least = passages.most // 4 if self.min_tokens is None else self.min_tokens
        groups = _Groups(readable(document), passages)
        runs = [as_run(run) for run in Packing(passages.room, _apart).runs(groups)]
        for run in merged(runs, least, passages.fits, passages.room):
            for start, end in _whole(run.units, passages):
                yield from passages.of(start, end)


def _apart(before: Unit, after: Unit) -> bool:
    return by_page(before, after) or before.path != after.path


def _whole(units: Sequence[Unit], passages: Passages) -> Iterator[tuple[int, int]]:
    """The span of units that fit together; of those that do not quite, the spans of each part.

    A sum of counts can be a little less than the count of the whole, and a row is not to be cut
    for that.
    """
    start, end = units[0].start, units[-1].end
    middle = next((n for n in range(len(units) // 2, 0, -1) if units[n - 1].kind != "heading"), 0)
    if middle == 0 or passages.fits(start, end):
        yield start, end
    else:
        yield from _whole(units[:middle], passages)
        yield from _whole(units[middle:], passages)


class _Groups:
    """The groups of units of one document: what is not to be parted unless it is too long.

    A heading, a line that ends with a colon, and the column names of a table that is cut lead
    what follows them on their page.
    """

    def __init__(self, document: Document, passages: Passages) -> None:
        self._document = document
        self._passages = passages
        self._splitter = Splitter(document, passages.counter)

    def __iter__(self) -> Iterator[list[Unit]]:
        leads: list[Unit] = []
        for element, tokens in self._counted():
            if leads and leads[-1].page != element.page:
                yield leads
                leads = []
            for unit, is_lead in self._units(element, tokens, leads):
                leads.append(unit)
                if not is_lead:
                    yield leads
                    leads = []
        if leads:
            yield leads

    def _counted(self) -> Iterator[tuple[Element, int]]:
        found = elements(self._document)
        spans = [(element.start, element.end) for element in found]
        return zip(found, self._splitter.counted(spans, self._passages.most), strict=True)

    def _units(
        self, element: Element, tokens: int, leads: Sequence[Unit]
    ) -> Iterator[tuple[Unit, bool]]:
        """The element, or the units that it is cut into; and whether each leads what follows."""
        taken, start = total(leads), element.start
        room = self._passages.room(leads[0].start if leads else start) - taken
        if tokens <= room:
            # What leads leaves half of the room to what follows it.
            leading = self._leads(element) and taken + tokens <= self._passages.most // 2
            yield _unit(element, start, element.end, tokens), leading
            return
        # A passage that begins within a table names its columns.
        room = max(1, min(room, self._passages.room(start + 1)))
        heads = bool(element.header)
        for a, b, size in self._splitter.split(element, room):
            heads = heads and (a == start or not self._document.text[a:b].strip("|-: +=\r\n"))
            yield _unit(element, a, b, size), heads and size <= room // 4

    def _leads(self, element: Element) -> bool:
        ends = self._document.text[element.end - 1]
        return element.kind == "heading" or (element.kind == "paragraph" and ends == ":")


def _unit(element: Element, start: int, end: int, tokens: int) -> Unit:
    return Unit(start, end, tokens, element.page, None, element.kind, element.path)
