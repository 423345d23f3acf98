"""What of a passage a model may read: nothing that speaks to it, and nothing that is not seen."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from rag.answer.addressed import addressed, quoted, readable
from rag.sentences import block_at, boundaries
from rag.types import Document

REMARK = "[left out]"

# Sentences after one that speaks to a model, in the same paragraph: they go on with it.
_REACH = 8
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|^\[(?://|comment)\]: ?[#<].*$", re.DOTALL | re.MULTILINE)
_PARAGRAPH = re.compile(r"\n\s*\n")
_LABEL = 120


@dataclass(frozen=True, slots=True)
class Piece:
    """Sentences of a document; what is `withheld` is not shown to a model, and is no evidence."""

    start: int
    end: int
    withheld: bool = False
    sentences: int = 1


def screened(document: Document, start: int, end: int) -> list[Piece]:
    """`start` to `end` in pieces that follow one another, withheld and not."""
    comments = [found.span() for found in _COMMENT.finditer(document.text, start, end)]
    pieces: list[Piece] = []
    position, reach, paragraph = start, 0, -1
    for cut in boundaries(document, start, end):
        text, here = document.text[position:cut], _paragraph(document, position)
        if here != paragraph:
            reach, paragraph = 0, here
        found = addressed(text)
        if found and not quoted(text):
            reach = _REACH + 1
        hidden = _hidden(document, comments, position, cut)
        pieces.append(Piece(position, cut, found or hidden or reach > 0, int(bool(text.strip()))))
        position, reach = cut, max(reach - 1, 0)
        if _PARAGRAPH.search(text):
            reach = 0
    return list(_joined(_whole(document, pieces)))


def shown(document: Document, pieces: list[Piece]) -> str:
    """The text of `pieces` for a model, with a remark where some of it is withheld."""
    texts = (
        f" {REMARK} " if one.withheld else readable(document.text[one.start : one.end])
        for one in pieces
    )
    return "".join(texts).strip()


def label(text: str) -> str:
    """A title or place for a model: one short line, and nothing that speaks to it."""
    line = " ".join(readable(text).split())[:_LABEL]
    return "" if addressed(text) else re.sub(r'[<>"\[\]]', "", line)


def _whole(document: Document, pieces: list[Piece]) -> list[Piece]:
    """`pieces`, with neighbours withheld that speak to a model only together."""
    found = list(pieces)
    for place, (one, other) in enumerate(pairwise(pieces)):
        if one.withheld or other.withheld or other.end - one.start > 2_000:
            continue
        if "\n\n" not in document.text[one.start : one.end] and addressed(
            document.text[one.start : other.end]
        ):
            found[place] = replace(one, withheld=True)
            found[place + 1] = replace(other, withheld=True)
    return found


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    """`pieces`, with those that are alike and follow one another made one."""
    last: Piece | None = None
    for one in pieces:
        if last is not None and last.withheld == one.withheld:
            last = Piece(last.start, one.end, one.withheld, last.sentences + one.sentences)
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


def _hidden(document: Document, comments: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a comment that no reader sees shares a character with the span."""
    block = block_at(document.blocks, start)
    if block is not None and block.kind == "code" and start < block.end:
        return False
    place = bisect_right(comments, start, key=lambda span: span[1])
    return place < len(comments) and comments[place][0] < end


def _paragraph(document: Document, offset: int) -> int:
    """What tells the blocks of a document apart; -1 where it has none."""
    block = block_at(document.blocks, offset)
    return -1 if block is None else block.start
