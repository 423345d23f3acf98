"""What of a web page is not its content: navigation, notices, scripts, whatever is hidden."""

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
_ROLES = frozenset({"navigation", "banner", "contentinfo", "complementary"})
_CONSENT = re.compile(r"(?:^|[\W_]|(?<=[a-z])(?=[A-Z]))(?i:cookie|consent)")
_WHOLE = frozenset({"html", "body", "main", "article"})


def is_furniture(node: LexborNode, forms: bool) -> bool:
    """Whether to leave out `node` and all beneath it; `forms` says that forms are content."""
    tag = node.tag or "-comment"
    if tag == "-text":
        return False
    if tag in _DROPPED or (tag == "form" and not forms):
        return True
    if tag == "header" and not _within(node, {"article", "main"}):
        return True
    return tag not in _WHOLE and _is_set_aside(node)


def _within(node: LexborNode, tags: set[str]) -> bool:
    parent = node.parent
    while parent is not None and parent.tag not in tags:
        parent = parent.parent
    return parent is not None


def _is_set_aside(node: LexborNode) -> bool:
    """Whether an element is hidden, a landmark beside the content, or a notice of cookies."""
    attributes = node.attributes
    if attributes.get("role") in _ROLES or attributes.get("aria-hidden") == "true":
        return True
    if "hidden" in attributes and attributes["hidden"] != "until-found":
        return True
    names = f"{attributes.get('id') or ''} {attributes.get('class') or ''}"
    # A page about cookies may be named for them as a whole: that is its content.
    return bool(_CONSENT.search(names)) and node.css_first("h1, main, article") is None
