"""How much of a web page's parts is running text, and how much is links."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

INLINE = frozenset(
    {
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del",
        "dfn", "em", "font", "i", "img", "ins", "kbd", "label", "mark", "output", "q", "s",
        "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var",
        "wbr",
    }
)  # fmt: skip
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
# A paragraph of running text: what is shorter may be anything.
_PROSE = 80
# Scripts without spaces say as much in a third of the characters.
_WIDE = "\u2e80"


@dataclass(slots=True)
class Extent:
    """Characters beneath an element: all, those in links, those in paragraphs of prose.

    Links in headings count as text: they are what a heading of a list of articles is made of.
    """

    text: int = 0
    linked: int = 0
    links: int = 0
    prose: int = 0

    @property
    def link_share(self) -> float:
        """The share of the text that is links; 0 where there is no text."""
        return self.linked / self.text if self.text else 0.0

    def add(self, other: Extent) -> None:
        """Count `other` too."""
        self.text += other.text
        self.linked += other.linked
        self.links += other.links
        self.prose += other.prose


def extents(root: LexborNode, left_out: Callable[[LexborNode], bool]) -> dict[int, Extent]:
    """The extent of every element beneath `root` that is not `left_out`, by identity."""
    found: dict[int, Extent] = {}
    own = [Extent()]  # of the blocks that are open, without the blocks within them
    whole = [Extent()]  # of the elements that are open
    linking = heading = 0
    for node, opening in walk(root, left_out):
        tag = node.tag or ""
        if tag == "-text":
            _count(node, own[-1], linking and not heading)
            continue
        linking += _step(tag == "a", opening)
        heading += _step(tag in _HEADINGS, opening)
        if opening:
            whole.append(Extent())
            if tag not in INLINE:
                own.append(Extent())
            continue
        if tag == "a" and not heading:
            own[-1].links += 1
        extent = whole.pop()
        if tag not in INLINE:
            extent.add(_block(own.pop()))
            found[node.mem_id] = extent
        whole[-1].add(extent)
    return found


def walk(
    root: LexborNode, left_out: Callable[[LexborNode], bool]
) -> Iterator[tuple[LexborNode, bool]]:
    """`root` and everything beneath it, each opened (True) and closed, without what is left out.

    Text is only opened, and never left out. Nothing nests with the page, however deep it is.
    """
    stack = [(root, True)]
    while stack:
        node, opening = stack.pop()
        yield node, opening
        if opening and node.tag != "-text":
            stack.append((node, False))
            child = node.last_child
            while child is not None:
                if child.tag == "-text" or not left_out(child):
                    stack.append((child, True))
                child = child.prev


def layout_tables(root: LexborNode) -> set[int]:
    """The tables, by identity, that lay out a page: they hold headings or further tables."""
    found = {node.mem_id for node in root.css("table[role=presentation], table[role=none]")}
    for node in root.css("table, h1, h2, h3, h4, h5, h6"):
        parent = node.parent
        while parent is not None and parent.tag != "table":
            parent = parent.parent
        if parent is not None:
            found.add(parent.mem_id)
    return found


def _step(counts: bool, opening: bool) -> int:
    return 0 if not counts else 1 if opening else -1


def _count(node: LexborNode, extent: Extent, linked: int | bool) -> None:
    text = (node.text_content or "").split()
    size = sum(map(len, text)) + max(len(text) - 1, 0)
    if size and any(character >= _WIDE for character in text[0]):
        size *= 3
    extent.text += size
    extent.linked += size if linked else 0


def _block(own: Extent) -> Extent:
    """The text of one block, which is prose where it is long enough and not made of links."""
    plain = own.text - own.linked
    own.prose = plain if plain >= _PROSE and own.linked <= own.text // 2 else 0
    return own
