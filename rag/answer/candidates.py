"""Sentences of passages, and rows of their tables, as candidates for an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.languages import STEMMERS, UNSTEMMED
from rag.places import place_of
from rag.protocols import View
from rag.sentences import block_at, boundaries
from rag.types import Document, Passage

_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A quote in its document, and the same as it is read (`context`) and shown."""

    passage: Passage
    start: int
    end: int
    quote: str
    context: str
    shown: str
    page: int | None
    headings: tuple[str, ...]
    place: str

    def repeats(self, other: Candidate) -> bool:
        """Whether this says what `other` says: the same words, or the same place."""
        same_place = self.passage.document_id == other.passage.document_id and (
            self.start < other.end and other.start < self.end
        )
        return same_place or self.shown.casefold() == other.shown.casefold()


def candidates(passages: Sequence[Passage], view: View) -> list[Candidate]:
    """Every sentence and table row of `passages`, in their order; headings are context only."""
    documents: dict[str, Document | None] = {}
    found: list[Candidate] = []
    for passage in passages:
        if passage.document_id not in documents:
            documents[passage.document_id] = view.document(passage.document_id)
        document = documents[passage.document_id]
        if document is not None:
            found.extend(_sentences(document, passage))
    return found


def _sentences(document: Document, passage: Passage) -> Iterator[Candidate]:
    start = passage.start
    for end in boundaries(document, passage.start, passage.end, _language(passage)):
        quote = document.text[start:end].strip()
        first = start + document.text[start:end].find(quote)
        start = end
        block = block_at(document.blocks, first)
        if len(quote) < _SHORTEST or (block is not None and block.kind == "heading"):
            continue
        headings = block.headings if block else ()
        header = block.header if block else ""
        if _is_rule(quote) or (header and _cells(header) == _cells(quote)):
            continue
        shown = _row(header, quote) if header else quote
        context = "\n".join((*headings[-2:], shown)) if headings else f"{document.title}\n{shown}"
        page = block.page if block else passage.page
        last = first + len(quote)
        place = place_of(document.blocks, first, last)
        yield Candidate(passage, first, last, quote, context, shown, page, headings, place)


def _language(passage: Passage) -> str | None:
    """What the index detected when it stored the document; None where it does not say."""
    known = passage.metadata.get("language")
    return known if isinstance(known, str) and known in {**STEMMERS, **UNSTEMMED} else None


def _is_rule(line: str) -> bool:
    return bool(line) and not line.strip("|-: +=")


def _row(header: str, row: str) -> str:
    """A table row with its column names, where they can be told apart."""
    names, cells = _cells(header), _cells(row)
    if len(names) != len(cells):
        return row
    pairs = zip(names, cells, strict=True)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


def _cells(line: str) -> list[str]:
    """The cells between bars; a bar at both ends is a frame, and at one end parts a blank cell."""
    framed = len(line) > 1 and line.startswith("|") and line.endswith("|")
    return [cell.strip() for cell in (line[1:-1] if framed else line).split("|")]
