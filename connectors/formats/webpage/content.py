"""Where the content of a web page is.

What a page says of itself is believed first: landmarks (`<main>`, the only `<article>`), tags
and roles, then names. Outside landmarks, blocks that are mostly links are furniture too (link
density: Kohlschütter, Fankhauser and Nejdl, "Boilerplate Detection using Shallow Text
Features", 2010), and so are scraps around the element that holds nearly all running text.
Every rule gives way where it would take the greater part of a page's running text.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from rag.connectors.formats.webpage.furniture import (
    is_furniture,
    is_named_for_links,
    is_named_furniture,
)
from rag.connectors.formats.webpage.prose import INLINE, Extent, extents, layout_tables

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_LANDMARKS = frozenset({"main", "article"})
_KEPT = frozenset({"html", "body", "main", "article", "tbody", "thead"})
# In a list outside landmarks, this share of links makes it a list of links.
_LINKED = 0.6
_NAMED_LINKED = 0.4
_LEAST_LINKS = 2
_TABULAR = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th"})
# Rules may take no more than this share of the running text away.
_MOST_PROSE = 0.5
# The element that holds this share of the running text holds the content.
_NEARLY_ALL = 0.9
_LEAST_PROSE = 250
# Of a page that says less than this, or next to nothing of all its text, too much was taken.
_LEAST_TEXT = 60
_SURELY_ENOUGH = 600
_LEAST_SHARE = 0.05
_LEAST_SHARE_OF_SCRAPS = 0.2


class Content:
    """Decides of each element beneath `root` whether it is content; the strictest that fits."""

    def __init__(self, root: LexborNode, *, forms: bool = False, strict: bool = True) -> None:
        self._forms = forms
        self._inside = _is_landmark(root)
        self._extents: dict[int, Extent] = {}
        self._dropped: set[int] = set()
        self._seen: dict[int, bool] = {}
        self._titled: set[int] = set()  # elements with an h1 in them
        self._holding: set[int] = set()  # elements with a landmark in them
        self._layout: set[int] = set()
        if strict:
            self._judge(root)

    def leaves_out(self, node: LexborNode) -> bool:
        """Whether `node` and all beneath it is furniture."""
        name = node.mem_id
        if name not in self._seen:
            self._seen[name] = is_furniture(node, self._forms)
        return name in self._dropped or self._seen[name]

    def _judge(self, root: LexborNode) -> None:
        self._titled = _holders(root, "h1")
        self._holding = _holders(root, "main, article")
        self._layout = layout_tables(root)
        self._extents = extents(root, self.leaves_out)
        whole = self._extents.get(root.mem_id, Extent())
        for node in _elements(root):
            extent = self._extents.get(node.mem_id)
            if extent is not None and self._is_beside(node, extent, whole):
                self._dropped.add(node.mem_id)
        if not self._inside:
            if self._dropped:
                self._extents = extents(root, self.leaves_out)
            self._drop_scraps(root)

    def _is_beside(self, node: LexborNode, extent: Extent, whole: Extent) -> bool:
        if (node.tag or "") in _KEPT or extent.text == 0:
            return False
        if extent.prose > _MOST_PROSE * whole.prose and not _is_page_footer(node):
            return False
        if is_named_furniture(node):
            return node.mem_id not in self._titled | self._holding
        if extent.links == 0:
            return False
        if is_named_for_links(node) and extent.link_share >= _NAMED_LINKED:
            return node.mem_id not in self._titled
        return not self._inside and self._is_list_of_links(node, extent)

    def _is_list_of_links(self, node: LexborNode, extent: Extent) -> bool:
        if extent.link_share < _LINKED or extent.links < _LEAST_LINKS or extent.prose:
            return False
        return node.mem_id not in self._titled and not self._is_of_data(node)

    def _is_of_data(self, node: LexborNode) -> bool:
        """Whether `node` is a table, or a part of one, that does not lay out the page."""
        if (node.tag or "") not in _TABULAR:
            return False
        table: LexborNode | None = node
        while table is not None and table.tag in _TABULAR and table.tag != "table":
            table = table.parent
        return table is not None and table.tag == "table" and table.mem_id not in self._layout

    def _drop_scraps(self, root: LexborNode) -> None:
        """Drop what has no running text around the element that has nearly all of it."""
        whole = self._extents.get(root.mem_id, Extent())
        if whole.prose < _LEAST_PROSE:
            return
        path = self._path_to_prose(root, whole.prose)
        for parent, kept in pairwise(path):
            for child in _children(parent):
                extent = self._extents.get(child.mem_id)
                if extent is None or child.mem_id == kept.mem_id or extent.prose:
                    continue
                if child.mem_id not in self._titled:
                    self._dropped.add(child.mem_id)

    def _path_to_prose(self, root: LexborNode, prose: int) -> list[LexborNode]:
        """The elements from `root` down to the one with nearly all running text and the title."""
        path = [root]
        titled = root.mem_id in self._titled
        while True:
            largest = max(_children(path[-1]), key=self._prose, default=None)
            if largest is None or self._prose(largest) < _NEARLY_ALL * prose:
                return path
            if titled and largest.mem_id not in self._titled:
                return path
            path.append(largest)

    def _prose(self, node: LexborNode) -> int:
        extent = self._extents.get(node.mem_id)
        return 0 if extent is None or self.leaves_out(node) else extent.prose


def candidates(tree: LexborHTMLParser) -> Iterator[tuple[LexborNode, Content]]:
    """Roots and what is content beneath them, the likeliest first; the last leaves out least."""
    articles = tree.css("article")
    main = tree.css_first("main, [role=main]") or (articles[0] if len(articles) == 1 else None)
    roots = [root for root in (main, tree.body) if root is not None]
    for root in roots:
        yield root, Content(root)
    for forms in (False, True):
        for root in roots:
            yield root, Content(root, forms=forms, strict=False)


def is_enough(text: str, body: LexborNode | None) -> bool:
    """Whether `text` can be what the page is about: not just what the rules forgot to take."""
    if len(text) >= _SURELY_ENOUGH or body is None:
        return bool(text)
    everything = extents(body, lambda node: is_furniture(node, True))
    whole = everything.get(body.mem_id, Extent()).text
    least = _LEAST_SHARE if len(text) >= _LEAST_TEXT else _LEAST_SHARE_OF_SCRAPS
    return bool(text) and len(text) >= least * whole


def _is_landmark(root: LexborNode) -> bool:
    return (root.tag or "") in _LANDMARKS or root.attributes.get("role") == "main"


def _is_page_footer(node: LexborNode) -> bool:
    names = f"{node.attributes.get('id') or ''} {node.attributes.get('class') or ''}"
    return "footer" in names.lower()


def _holders(root: LexborNode, selector: str) -> set[int]:
    """What `selector` finds and the elements around it, by identity; each is met once."""
    found: set[int] = set()
    for node in root.css(selector):
        around: LexborNode | None = node
        while around is not None and around.mem_id not in found:
            found.add(around.mem_id)
            around = around.parent
    return found


def _elements(root: LexborNode) -> Iterator[LexborNode]:
    for node in root.css("*"):
        if (node.tag or "") not in INLINE:
            yield node


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.first_child
    while child is not None:
        yield child
        child = child.next
