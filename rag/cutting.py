"""What cutting made of a document: sizes, overlaps, and text that is in no passage."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from rag.errors import DocumentError
from rag.protocols import Chunker, Tokenizer
from rag.types import Document, Dropped, Failure, Item, Passage

Unit: TypeAlias = Literal["tokens", "words"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One passage as it was cut.

    `number` counts from 1 the passages that are indexed; a pruned one has none. `size` is that
    of its text and `read` that of its text with its context, in the measure of `Cut.unit`.
    `overlap` is how many of its first characters passage `repeats` has too.
    """

    passage: Passage
    number: int | None
    size: int
    read: int
    overlap: int = 0
    repeats: int | None = None
    dropped: Dropped | None = None

    def as_dict(self, unit: Unit) -> dict[str, Any]:
        """Plain data, as `rag inspect --json` prints it."""
        passage = self.passage
        shape: dict[str, Any] = {
            "start": passage.start,
            "end": passage.end,
            "characters": passage.end - passage.start,
            unit: self.size,
            f"{unit}_with_context": self.read,
            "overlap": self.overlap,
            "page": passage.page,
            "place": passage.place,
            "headings": list(passage.headings),
            "context": passage.context,
            "text": passage.text,
        }
        if self.dropped is not None:
            shape |= {"score": self.dropped.score, "reason": self.dropped.reason}
        return shape


@dataclass(frozen=True)
class Cut:
    """A document and its passages, pruned ones among them, in order of place.

    Sizes are in `unit`; `limit` is how much of a passage with its context the encoder reads,
    and None where there is no encoder.
    """

    document: Document
    pieces: tuple[Piece, ...]
    unit: Unit
    limit: int | None = None

    @property
    def kept(self) -> list[Piece]:
        """What is indexed."""
        return [piece for piece in self.pieces if piece.dropped is None]

    @property
    def pruned(self) -> list[Piece]:
        """What a pruner keeps out of the index."""
        return [piece for piece in self.pieces if piece.dropped is not None]

    @property
    def too_long(self) -> list[Piece]:
        """Of what is indexed, what the encoder reads the beginning of only.

        A single character cannot be cut, whatever it has.
        """
        if self.limit is None:
            return []
        over = (piece for piece in self.kept if piece.read > (self.limit or 0))
        return [piece for piece in over if len(piece.passage.text) > 1]

    @cached_property
    def lost(self) -> list[tuple[int, int]]:
        """Spans of text in no passage, indexed or pruned, without the space at their ends."""
        return list(_outside(self.document.text, [one.passage for one in self.pieces]))

    @property
    def lost_characters(self) -> int:
        """How many characters that is, space left out."""
        return sum(len("".join(self.document.text[a:b].split())) for a, b in self.lost)

    @property
    def repeated(self) -> int:
        """Characters that stand in a passage and in one before it."""
        return sum(piece.overlap for piece in self.pieces)

    def summary(self) -> dict[str, Any]:
        """Counts and sizes as plain data."""
        return {
            "passages": len(self.kept),
            "pruned": len(self.pruned),
            "unit": self.unit,
            "limit": self.limit,
            "sizes": sizes([piece.size for piece in self.kept]),
            "repeated_characters": self.repeated,
            "lost_characters": self.lost_characters,
            "too_long": len(self.too_long),
        }


def measure(
    document: Document,
    passages: Sequence[Passage],
    dropped: Sequence[Dropped],
    tokenizer: Tokenizer,
    *,
    encoded: bool,
) -> Cut:
    """The cut of `document` into `passages`, of which `dropped` are pruned.

    `tokenizer` is the encoder's where the passages are `encoded`; else it counts words.
    """
    by_span = {(one.passage.start, one.passage.end): one for one in dropped}
    every = {passage.id: passage for passage in (*passages, *(one.passage for one in dropped))}
    pieces: list[Piece] = []
    number, reaching = 0, None
    for passage in sorted(every.values(), key=lambda one: one.order):
        gone = by_span.get((passage.start, passage.end))
        number += gone is None
        piece = _piece(passage, None if gone else number, reaching, gone, tokenizer)
        pieces.append(piece)
        if reaching is None or passage.end >= reaching.passage.end:
            reaching = piece
    limit = tokenizer.limit if encoded else None
    return Cut(document, tuple(pieces), "tokens" if encoded else "words", limit)


def preview(
    item: Item | Failure, chunker: Chunker, tokenizer: Tokenizer, *, encoded: bool
) -> Cut | Failure:
    """The cut that `chunker` makes of a document that is not indexed."""
    if isinstance(item, Failure):
        return item
    try:
        document = item.load()
    except DocumentError as error:
        return Failure(item.source, str(error))
    passages = list(chunker.chunk(document, tokenizer))
    return measure(document, passages, (), tokenizer, encoded=encoded)


def sizes(found: Sequence[int]) -> dict[str, int] | None:
    """The least, the median and the greatest of some sizes; None of none."""
    if not found:
        return None
    return {"min": min(found), "median": int(statistics.median(found)), "max": max(found)}


def _piece(
    passage: Passage,
    number: int | None,
    before: Piece | None,
    dropped: Dropped | None,
    tokenizer: Tokenizer,
) -> Piece:
    size = len(tokenizer.spans(passage.text))
    read = len(tokenizer.spans(passage.indexed)) if passage.context else size
    reach = before.passage.end if before is not None else 0
    overlap = max(0, min(passage.end, reach) - passage.start)
    repeats = before.number if before is not None and overlap else None
    return Piece(passage, number, size, read, overlap, repeats, dropped)


def _outside(text: str, passages: Sequence[Passage]) -> Iterator[tuple[int, int]]:
    position = 0
    for start, end in (*((one.start, one.end) for one in passages), (len(text), len(text))):
        gap = text[position:start] if start > position else ""
        if gap.strip():
            first = position + len(gap) - len(gap.lstrip())
            yield first, first + len(gap.strip())
        position = max(position, end)
