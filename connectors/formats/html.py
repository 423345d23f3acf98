"""Web pages: the text that a reader came for, without the page's furniture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.webpage.content import candidates, is_enough
from rag.connectors.formats.webpage.page import PageReader, collapse
from rag.types import Metadata

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_DECLARED_WITHIN = 2048
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*+)[^<>]*+>")
# An attribute as a browser reads it, `=` in front of a name being a part of it.
_ATTRIBUTE = r"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+"""
_MOST_ATTRIBUTES = 256
_ATTRIBUTES = re.compile(
    rf"(<[a-zA-Z][^\s/>]*+(?:{_ATTRIBUTE}){{{_MOST_ATTRIBUTES}}}+)(?:{_ATTRIBUTE})*+"
    rf"|<[a-zA-Z][^\s/>]*+(?:{_ATTRIBUTE})*+"
)
# Elements whose end tag may be left out, or that have none, do not tell how deep a page nests.
_UNCOUNTED = frozenset(
    {
        "area",
        "base",
        "br",
        "col",
        "dd",
        "dt",
        "embed",
        "hr",
        "img",
        "input",
        "li",
        "link",
        "meta",
        "option",
        "p",
        "rp",
        "rt",
        "source",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "track",
        "wbr",
    }
)
_DEEPEST = 1000


class HtmlFormat:
    """HTML and XHTML: the content of the page, see `rag.connectors.formats.webpage.content`."""

    name = "HTML"
    extensions: tuple[str, ...] = (".html", ".htm", ".xhtml")
    media_types: tuple[str, ...] = ("text/html", "application/xhtml+xml")
    version = 4

    def parse(self, data: bytes, name: str) -> Parsed:
        """Headings, paragraphs, lists, tables and code as blocks, white space as in a browser."""
        from selectolax.lexbor import LexborHTMLParser

        found = _DECLARED.search(data[:_DECLARED_WITHIN])
        decoded = decode(data, self.name, found[1].decode("ascii", "ignore") if found else None)
        tree = LexborHTMLParser(flatten(decoded.text))
        reader = _read(tree)
        title = _title(tree) or reader.writer.first_heading
        metadata = {**decoded.metadata, **_language(tree)}
        return Parsed(reader.writer.text, title, reader.writer.blocks, metadata)


def flatten(markup: str) -> str:
    """`markup` with the tags beyond a thousand levels taken out, and many attributes of one tag.

    The parser's time grows with the square of the depth and of the attributes of a tag, and
    browsers, too, stop nesting (Blink at 512 levels). A tag keeps its first 256 attributes.
    """
    markup = _narrowed(markup)
    if markup.count("<") <= _DEEPEST:
        return markup
    depth = 0

    def shallow(match: re.Match[str]) -> str:
        nonlocal depth
        closing, tag = match[1], match[2].lower()
        if tag in _UNCOUNTED or match[0].endswith("/>"):
            return match[0]
        if not closing:
            depth += 1
        kept = match[0] if depth <= _DEEPEST else " "
        if closing:
            depth = max(depth - 1, 0)
        return kept

    return _TAG.sub(shallow, markup)


def _narrowed(markup: str) -> str:
    # With an end tag in it, it may be a comparison in a script and what follows it.
    found = [
        one
        for one in _ATTRIBUTES.finditer(markup)
        if one[1] is not None and "</" not in markup[one.end(1) : one.end()]
    ]
    if not found:
        return markup
    starts = [0, *(one.end() for one in found)]
    ends = [*(one.end(1) for one in found), len(markup)]
    return "".join(markup[start:end] for start, end in zip(starts, ends, strict=True))


def _read(tree: LexborHTMLParser) -> PageReader:
    """Read the first candidate for the page's content that has text enough."""
    reader = PageReader()
    for root, content in candidates(tree):
        reader = PageReader(content.leaves_out)
        reader.read(root)
        if is_enough(reader.writer.text, tree.body):
            break
    return reader


def _title(tree: LexborHTMLParser) -> str:
    for selector in ("head > title", "h1"):
        node = tree.css_first(selector)
        if node is not None and (title := collapse(node.text())):
            return title
    return ""


def _language(tree: LexborHTMLParser) -> Metadata:
    root = tree.css_first("html")
    declared = (root.attributes.get("lang") or "").strip() if root is not None else ""
    return {"language_declared": declared} if declared else {}
