"""What a chat model is given to read: passages packed into a budget of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rag.answer.screening import Piece, label, screened, shown
from rag.places import place_of
from rag.protocols import Encoder, View
from rag.sentences import block_at, boundaries
from rag.tracing import note
from rag.types import Document, Hit, Passage

# Bytes of UTF-8 that are taken for a token. Vocabularies of chat models make 4 to 5 bytes of
# English one token, and 2.5 to 4 of most other languages: this counts more than there are.
_BYTES = 3
# Tokens of a source's tags beside its title and place.
_TAGS = 16


@dataclass(frozen=True, slots=True)
class Source:
    """A numbered source of a prompt: a span of a document, and what of it may be read."""

    document: Document
    start: int
    end: int
    rank: int
    pieces: tuple[Piece, ...] = ()
    origin: Passage | None = None

    @property
    def text(self) -> str:
        """What the model reads, with remarks where sentences are withheld."""
        return shown(self.document, list(self.pieces))

    @property
    def withheld(self) -> int:
        """How many of its sentences are withheld."""
        return sum(one.sentences for one in self.pieces if one.withheld)

    @property
    def title(self) -> str:
        """The document's title, or its source, made harmless."""
        return label(self.document.title) or label(self.document.source)

    @property
    def place(self) -> str:
        """The page or another place, and the headings above."""
        block = block_at(self.document.blocks, self.start)
        page = f"page {block.page}" if block and block.page else ""
        place = place_of(self.document.blocks, self.start, self.end)
        headings = block.headings[-2:] if block else ()
        return label(", ".join(part for part in (page, place, *headings) if part))

    def passages(self) -> Iterator[Passage]:
        """The spans that are evidence: what is withheld is none."""
        assert self.origin is not None
        for one in self.pieces:
            text = self.document.text[one.start : one.end]
            if not one.withheld and text.strip():
                yield replace(self.origin, start=one.start, end=one.end, text=text)


def counter(encoder: Encoder | None) -> Callable[[str], int]:
    """What counts the tokens of a text, rather too many than too few.

    The tokenizer of a chat model is not at hand. A third of the bytes is more than most models
    make of a text; where the encoder's tokenizer counts more, as for text that is hard to
    cut into known words, its number is taken. Alone it would not do: it may make one unknown
    token of a whole word in a script that it was not trained on.
    """

    @lru_cache(maxsize=1_024)
    def count(text: str) -> int:
        tokens = len(encoder.tokenizer.spans(text)) if encoder is not None else 0
        return max(tokens, -(-len(text.encode("utf-8", "replace")) // _BYTES))

    return count


def packed(
    hits: Sequence[Hit], view: View, budget: int, *, withhold: bool = True
) -> tuple[Source, ...]:
    """The sources of a prompt that together have at most `budget` tokens, best first.

    Passages are taken by score while they fit. Those of a document that overlap or follow one
    another become one source, which reads as the document does, and a source stands where its
    best passage does. No sentence is cut: the best passage is shortened between sentences where
    it alone is longer than the budget, and others are left out. With `withhold`, what speaks to
    a model in them is withheld (`rag.answer.screening`). What is left out is noted.
    """
    count = counter(view.encoder)
    sources: tuple[Source, ...] = ()
    left_out = gone = 0
    for rank, hit in enumerate(hits):
        document = view.document(hit.passage.document_id)
        if document is None:
            gone += 1
            continue
        for found in _offers(hit, document, rank, empty=not sources, room=budget, count=count):
            grown = _merged(sources, found)
            if sum(_cost(one, count) for one in grown) <= budget:
                sources = grown
                break
        else:
            left_out += 1
    _tell(len(hits), left_out, gone, budget)
    made = tuple(_read(one, withhold=withhold) for one in sources)
    return tuple(sorted(made, key=lambda one: one.rank))


def _offers(
    hit: Hit,
    document: Document,
    rank: int,
    *,
    empty: bool,
    room: int,
    count: Callable[[str], int],
) -> Iterator[Source]:
    """The passage of a hit as a source, and then, where it would be the first, a shorter one."""
    passage = hit.passage
    whole = Source(document, passage.start, passage.end, rank, origin=passage)
    yield whole
    if empty:
        first = hit.found[0].start if hit.found else passage.start
        left = room - _cost(replace(whole, end=whole.start), count)
        start, end = _shortened(document, passage, first, left, count)
        if start < end:
            note(f"the best passage is longer than the room for it: '{label(document.source)}'")
            yield replace(whole, start=start, end=end)


def _shortened(
    document: Document, passage: Passage, first: int, room: int, count: Callable[[str], int]
) -> tuple[int, int]:
    """The most sentences in a row that fit, from the one at `first` on, and then before it."""
    ends = boundaries(document, passage.start, passage.end)
    starts = [passage.start, *ends[:-1]]
    at = max((place for place, start in enumerate(starts) if start <= first), default=0)

    def fits(low: int, high: int) -> bool:
        return count(document.text[starts[low] : ends[high]]) <= room

    if not fits(at, at):
        return first, first
    high = _last(range(at, len(ends)), lambda place: fits(at, place))
    low = at if high + 1 < len(ends) else _last(range(at, -1, -1), lambda one: fits(one, high))
    return starts[low], ends[high]


def _last(places: range, holds: Callable[[int], bool]) -> int:
    """The last of `places` for which it holds, as it does for the first and then up to some."""
    low, high = 0, len(places) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(places[middle]) else (low, middle - 1)
    return places[low]


def _merged(sources: Sequence[Source], new: Source) -> tuple[Source, ...]:
    """`sources` with `new` among them, or in one with those that it overlaps or adjoins."""
    others: list[Source] = []
    for one in sources:
        if one.document.id == new.document.id and _adjoin(one, new):
            start, end = min(one.start, new.start), max(one.end, new.end)
            best = min(one, new, key=lambda source: source.rank)
            new = Source(one.document, start, end, best.rank, origin=best.origin)
        else:
            others.append(one)
    return (*others, new)


def _adjoin(one: Source, other: Source) -> bool:
    first, second = sorted((one, other), key=lambda source: source.start)
    return not first.document.text[first.end : second.start].strip()


def _cost(source: Source, count: Callable[[str], int]) -> int:
    text = source.document.text[source.start : source.end]
    # A bracket may be written as an entity, and what is withheld leaves a remark.
    return _TAGS + count(source.title) + count(source.place) + count(text) + text.count("<")


def _read(source: Source, *, withhold: bool) -> Source:
    pieces = [Piece(source.start, source.end)]
    if withhold:
        pieces = screened(source.document, source.start, source.end)
    made = replace(source, pieces=tuple(pieces))
    if count := made.withheld:
        what = "1 sentence" if count == 1 else f"{count} sentences"
        name = label(source.document.source) or source.document.id
        note(f"{what} of '{name}' may speak to the model, not to a reader: withheld from it")
    return made


def _tell(hits: int, left_out: int, gone: int, budget: int) -> None:
    if left_out:
        note(f"{left_out} of {hits} passages are left out: {budget:,} tokens are left for them")
    if gone:
        note(f"{gone} of {hits} passages are left out: their documents are no longer there")
