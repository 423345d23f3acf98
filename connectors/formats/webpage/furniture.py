"""What of a web page is not its content by what it says of itself: its tags, roles and names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_DROPPED = frozenset(
    {
        "-comment",
        "-doctype",
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "nav",
        "footer",
        "aside",
        "iframe",
        "object",
        "canvas",
        "audio",
        "video",
        "select",
        "textarea",
        "button",
        "head",
    }
)
_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "complementary", "dialog", "alertdialog", "search"}
)
_CONSENT = re.compile(r"(?:^|[\W_]|(?<=[a-z])(?=[A-Z]))(?i:cookie|consent)")
_WHOLE = frozenset({"html", "body", "main", "article"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt"})

# How far up the tree to look: pages nest less, and a bad one shall not cost time.
_CLIMB = 50

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[a-z]+")
_LETTERS = re.compile(r"[^\W_]+")
# Words that ids and classes of furniture begin with, as `sidebar` in `left-sidebar__inner`.
_STEMS = (
    "advert", "breadcrumb", "colophon", "copyright", "disqus", "footer", "navbar", "navigation",
    "newsletter", "outbrain", "pagination", "paywall", "recommend", "related", "respond", "share",
    "sharing", "sidebar", "skip", "social", "sponsor", "subscribe", "taboola", "trending",
)  # fmt: skip
_NAMES = frozenset(
    {
        "ad", "ads", "adslot", "comments", "crumbs", "login", "nav", "pager", "popup", "promo",
        "signup", "toc",
    }
)  # fmt: skip
# Of names such as these only what consists of links is furniture: a menu may be a restaurant's.
_LINKED = frozenset(
    {
        "archive", "bar", "categories", "catlinks", "facets", "filter", "header", "links", "menu",
        "more", "next", "prev", "previous", "rail", "side", "tabs", "tags", "toolbar", "tools",
        "topics", "widget",
    }
)  # fmt: skip
_BUTTONS = frozenset({"btn", "button", "cta"})
# `no-sidebar` and `with-footer` say how a page is laid out, and `footnotes` are content.
_ABOUT_LAYOUT = frozenset({"has", "no", "with", "without"})
_NOTES = frozenset({"admonition", "callout", "caution", "danger", "note", "tip", "warning"})


def is_furniture(node: LexborNode, forms: bool) -> bool:
    """Whether to leave out `node` and all beneath it; `forms` says that forms are content."""
    tag = node.tag or "-comment"
    if tag == "-text":
        return False
    if tag in _DROPPED:
        return not _is_content_after_all(node, tag)
    if tag == "form" and not forms:
        return True
    if tag == "header" and not _within(node, {"article", "main"}):
        return True
    return (tag not in _WHOLE and _is_set_aside(node)) or (tag == "a" and _is_handle(node))


def is_named_furniture(node: LexborNode) -> bool:
    """Whether the names of an element say that it stands beside the content.

    A section about pagination has `id="pagination"` so that links can lead to it: an id made
    of the element's heading says nothing.
    """
    attributes = node.attributes
    classes = _words(attributes.get("class") or "")
    if _ABOUT_LAYOUT.intersection(classes) or (node.tag or "") in _HEADINGS:
        return False
    identity = attributes.get("id") or ""
    return _tells(classes) or (_tells(_words(identity)) and not _is_made_of_heading(node, identity))


def _tells(words: list[str]) -> bool:
    return any(word in _NAMES or word.startswith(_STEMS) for word in words)


def _is_made_of_heading(node: LexborNode, identity: str) -> bool:
    heading = node.css_first("h1, h2, h3, h4, h5, h6")
    text = heading.text().lower() if heading is not None else ""
    return bool(text) and _LETTERS.findall(text) == _LETTERS.findall(identity.lower())


def is_named_for_links(node: LexborNode) -> bool:
    """Whether the names of an element say that it may be a list of links."""
    return not _LINKED.isdisjoint(_words(_names(node)))


def _names(node: LexborNode) -> str:
    attributes = node.attributes
    return f"{attributes.get('id') or ''} {attributes.get('class') or ''}"


def _words(names: str) -> list[str]:
    return _WORD.findall(_CAMEL.sub(" ", names).lower()) if names.strip() else []


def _is_content_after_all(node: LexborNode, tag: str) -> bool:
    """Buttons that open a section are its heading; an aside may be a note within the text."""
    if tag == "button":
        return _within(node, _HEADINGS)
    return tag == "aside" and not _NOTES.isdisjoint(_words(_names(node)))


def _is_handle(node: LexborNode) -> bool:
    """Whether a link is a button, or a mark to take the address of a heading by."""
    if not _BUTTONS.isdisjoint(_words(_names(node))) or node.attributes.get("role") == "button":
        return True
    within = (node.attributes.get("href") or "").startswith("#")
    return within and not any(character.isalnum() for character in node.text())


def _within(node: LexborNode, tags: frozenset[str] | set[str]) -> bool:
    parent = node.parent
    for _ in range(_CLIMB):
        if parent is None or parent.tag in tags:
            return parent is not None
        parent = parent.parent
    return False


def _is_set_aside(node: LexborNode) -> bool:
    """Whether an element is hidden, a landmark beside the content, or a notice of cookies."""
    attributes = node.attributes
    if attributes.get("role") in _ROLES or attributes.get("aria-hidden") == "true":
        return True
    if attributes.get("aria-modal") == "true":
        return True
    if "hidden" in attributes and attributes["hidden"] != "until-found":
        return True
    # A page about cookies may be named for them as a whole: that is its content.
    return bool(_CONSENT.search(_names(node))) and node.css_first("h1, main, article") is None
