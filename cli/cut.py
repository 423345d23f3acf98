"""How a document is cut, for people: its text with the borders of its passages, and the sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from rag.cli.output import clean, console, count, one_line, say

if TYPE_CHECKING:
    from rich.console import Console

    from rag.cutting import Cut, Piece
    from rag.types import Dropped, Passage

Part: TypeAlias = tuple[str, str]
"""Text, and its style on a terminal."""

_SHOWN_SPANS = 5


def summary(cut: Cut) -> Iterator[tuple[str, str]]:
    """Names and values about the passages of a document as a whole."""
    pruned = f"; {len(cut.pruned):,} pruned" if cut.pruned else ""
    yield "passages", f"{len(cut.kept):,}{pruned}"
    told = cut.summary()
    if told["sizes"]:
        yield "sizes", spread(told["sizes"], cut.unit)
    if cut.limit is not None:
        yield "read", f"up to {cut.limit:,} tokens of a passage and its context"
    if cut.repeated:
        share = cut.repeated / len(cut.document.text)
        yield "overlaps", f"{count(cut.repeated, 'character')}, {share:.1%} of the text"
    for name, spans in (("too long", cut.too_long), ("lost", cut.lost)):
        if spans:
            yield name, _trouble(cut, name)


def spread(sizes: Mapping[str, int], unit: str) -> str:
    """The least, median and greatest size, for example "12 to 254 tokens, median 201"."""
    if sizes["min"] == sizes["max"]:
        return f"{sizes['min']:,} {unit}"
    return f"{sizes['min']:,} to {sizes['max']:,} {unit}, median {sizes['median']:,}"


def say_cut(cut: Cut) -> None:
    """Print the text with the borders, sizes and overlaps of its passages."""
    from rich.text import Text

    screen = console()
    for parts in _lines(cut):
        if screen.is_terminal:
            line = Text.assemble(*((clean(text), style) for text, style in parts))
            screen.print(line, soft_wrap=True)
        else:
            say("".join(text for text, _ in parts))


def say_dropped(one: Dropped, place: str, width: int) -> None:
    """Print what was pruned: its score, why, where it stands, and how it begins."""
    say(f"{one.score:>8.3f}  {one_line(one.reason)}  {place}")
    say(f"{'':10}{shortened(one.passage.text, width - 10)}")


def shortened(text: str, width: int) -> str:
    """The beginning of `text` on one line of `width` characters."""
    line = one_line(text[: 4 * width])
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def screen_width() -> int:
    """Columns for text that is cut to a line; a good width where nobody looks."""
    screen: Console = console()
    return screen.width if screen.is_terminal else 80


def extent(passage: Passage, *sizes: str) -> str:
    """Where a passage stands and how long it is."""
    path = " > ".join(one_line(heading) for heading in passage.headings)
    page = one_line(passage.place) or (f"page {passage.page}" if passage.page is not None else "")
    length = count(passage.end - passage.start, "character")
    span = f"{passage.start}-{passage.end}"
    return "  ".join(part for part in (span, *(sizes or (length,)), page, path) if part)


def _trouble(cut: Cut, name: str) -> str:
    if name == "lost":
        spans = [f"{start}-{end}" for start, end in cut.lost]
        told = f"{count(cut.lost_characters, 'character')} in no passage"
    else:
        spans = [f"{one.passage.start}-{one.passage.end}" for one in cut.too_long]
        told = f"{count(len(spans), 'passage')} longer than the encoder reads"
    more = ", …" if len(spans) > _SHOWN_SPANS else ""
    return f"{told}: {', '.join(spans[:_SHOWN_SPANS])}{more}"


def _lines(cut: Cut) -> Iterator[Sequence[Part]]:
    lost = list(cut.lost)
    for piece in cut.pieces:
        while lost and lost[0][0] < piece.passage.start:
            yield from _lost_lines(cut, *lost.pop(0))
        yield [(_heading(cut, piece), "bold red" if piece.dropped else "bold cyan")]
        for line in piece.passage.context.splitlines():
            yield [(f"    in front: {line}", "italic green")]
        repeated, new = piece.passage.text[: piece.overlap], piece.passage.text[piece.overlap :]
        yield [(repeated, "dim"), (new, "red" if piece.dropped else "")]
    for start, end in lost:
        yield from _lost_lines(cut, start, end)


def _lost_lines(cut: Cut, start: int, end: int) -> Iterator[Sequence[Part]]:
    yield [(f"--- in no passage  {start}-{end}", "bold red")]
    yield [(cut.document.text[start:end], "red")]


def _heading(cut: Cut, piece: Piece) -> str:
    unit = cut.unit if piece.size != 1 else cut.unit.removesuffix("s")
    size = f"{piece.size:,} {unit}"
    characters = count(piece.passage.end - piece.passage.start, "character")
    named = f"passage {piece.number}" if piece.dropped is None else "pruned"
    # A context says the headings anyway.
    passage = replace(piece.passage, headings=()) if piece.passage.context else piece.passage
    heading = f"--- {named}  {extent(passage, size, characters)}"
    if piece.dropped is not None:
        heading += f"  {piece.dropped.score:.3f}: {one_line(piece.dropped.reason)}"
    if piece.overlap:
        earlier = f"passage {piece.repeats}" if piece.repeats else "what was pruned"
        heading += f"  repeats {count(piece.overlap, 'character')} of {earlier}"
    return heading


def as_dict(cut: Cut) -> dict[str, Any]:
    """A document and its cut as plain data."""
    document = cut.document
    return {
        "document": document.id,
        "source": document.source,
        "title": document.title,
        "metadata": dict(document.metadata),
        "characters": len(document.text),
        "blocks": [asdict(block) for block in document.blocks],
        "cut": cut.summary(),
        "passages": [piece.as_dict(cut.unit) for piece in cut.kept],
        "pruned": [piece.as_dict(cut.unit) for piece in cut.pruned],
    }
