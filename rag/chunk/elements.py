"""What a document is made of, as its author wrote it: headings, paragraphs, tables, code.

Blocks say so where a format gave them. Where there are none, blank lines part paragraphs, lines
that were never wrapped are paragraphs, and short lines above a paragraph are its headings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rag.sentences import block_at
from rag.types import Block, BlockKind, Document

_END = r"(?:\r\n|[\n\r\x0b\x0c\x85\u2028\u2029])"
_BREAK = re.compile(rf"(?:{_END}[ \t]*){{2,}}|\u2029")
_LINE = re.compile(_END)
_MARKED = re.compile(r"(#{1,6})[ \t]+\S")
_ENDS_SENTENCE = re.compile(r"[.!?:;,\u3002\uff01\uff1f\u0964\u061f][\"'\u2019\u201d)\]]*$")
# Wrapped lines are shorter; a line this long is a paragraph.
_UNWRAPPED = 160
_LONGEST_HEADING = 80


@dataclass(frozen=True, slots=True)
class Element:
    """A span without outer space, its kind, page, and the path of headings above it."""

    start: int
    end: int
    kind: BlockKind = "paragraph"
    page: int | None = None
    path: tuple[str, ...] = ()
    header: str = ""


def elements(document: Document) -> list[Element]:
    """The elements of `document` in order; together they hold all its text that is not space."""
    found = list(_all(document))
    if any(element.kind == "heading" for element in found):
        return found
    return list(_headed(document.text, found))


def line_starts(text: str, start: int, end: int) -> list[int]:
    """Where the lines of `text` between `start` and `end` begin and end, `end` included."""
    return [start, *(m.end() for m in _LINE.finditer(text, start, end) if m.end() < end), end]


def _all(document: Document) -> Iterator[Element]:
    position = 0
    for block in document.blocks:
        yield from _between(document, position, block.start)
        if block.kind == "paragraph":
            yield from _unwrapped(document.text, _of(block))
        else:
            yield from _stripped(document.text, _of(block))
        position = block.end
    yield from _between(document, position, len(document.text))


def _of(block: Block) -> Element:
    # Rows of two sheets are no neighbours, though both may stand under no heading.
    path = (*block.headings, block.place) if block.row is not None else block.headings
    return Element(block.start, block.end, block.kind, block.page, path, block.header)


def _between(document: Document, start: int, end: int) -> Iterator[Element]:
    """Paragraphs of text that lies in no block; it belongs with the block before it."""
    block = block_at(document.blocks, start)
    around = Element(start, end, page=block.page, path=block.headings) if block else None
    position = start
    for found in _BREAK.finditer(document.text, start, end):
        yield from _unwrapped(document.text, _part(around, position, found.start()))
        position = found.end()
    yield from _unwrapped(document.text, _part(around, position, end))


def _part(around: Element | None, start: int, end: int) -> Element:
    return replace(around or Element(0, 0), start=start, end=end)


def _unwrapped(text: str, element: Element) -> Iterator[Element]:
    """The lines of an element where they are paragraphs themselves, or the element."""
    if element.start >= element.end:
        return
    cuts = line_starts(text, element.start, element.end)
    if _are_paragraphs(text, cuts):
        for start, end in pairwise(cuts):
            yield from _stripped(text, replace(element, start=start, end=end))
    else:
        yield from _stripped(text, element)


def _are_paragraphs(text: str, cuts: Sequence[int]) -> bool:
    """Whether the lines that begin at `cuts` were never wrapped, or some are marked headings."""
    if any(after - before > _UNWRAPPED for before, after in pairwise(cuts[:-1])):
        return True
    return any(text[cut] == "#" and _MARKED.match(text, cut) for cut in cuts[:-1])


def _stripped(text: str, element: Element) -> Iterator[Element]:
    whole = text[element.start : element.end]
    body = whole.strip()
    if len(body) == len(whole) > 0:
        yield element
    elif body:
        start = element.start + len(whole) - len(whole.lstrip())
        yield replace(element, start=start, end=start + len(body))


def _headed(text: str, found: Sequence[Element]) -> Iterator[Element]:
    """The elements of a document that declares no headings, with those that look like some."""
    above: list[tuple[int, str]] = []
    for place, element in enumerate(found):
        level = _level(text, element, found[place + 1] if place + 1 < len(found) else None)
        if level:
            above = [one for one in above if one[0] < level]
            above.append((level, text[element.start : element.end]))
        kind: BlockKind = "heading" if level else element.kind
        path = (*element.path, *(heading for _, heading in above))
        yield replace(element, kind=kind, path=path)


def _level(text: str, element: Element, after: Element | None) -> int:
    """The level of a line that looks like a heading, and heads something; 0 of any other."""
    if element.kind != "paragraph" or after is None or after.kind == "heading":
        return 0
    if not _is_short(text, element):
        return 0
    marked = _MARKED.match(text, element.start)
    if marked:
        return len(marked[1])
    return 7 if after.kind == "paragraph" and not _is_short(text, after) else 0


def _is_short(text: str, element: Element) -> bool:
    if element.end - element.start > _LONGEST_HEADING:
        return False
    body = text[element.start : element.end]
    return _LINE.search(body) is None and _ENDS_SENTENCE.search(body) is None
