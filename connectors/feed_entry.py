"""An entry of a feed: what it is called, what it says, and where its page is."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from rag.types import Scalar

Entry: TypeAlias = Mapping[str, Any]
"""An entry as feedparser reads it, as a plain mapping."""

_HTML = ("text/html", "application/xhtml+xml", "")


def identity(entry: Entry) -> str:
    """What the feed calls the entry: its id, its link, or else what it says."""
    named = " ".join(str(entry.get("id") or entry_link(entry)).split())
    if named:
        return named
    said = json.dumps([entry_title(entry), *entry_content(entry)]).encode()
    return hashlib.blake2b(said, digest_size=12).hexdigest()


def entry_title(entry: Entry) -> str:
    """Its title as text, whether the feed wrote markup or not."""
    from selectolax.lexbor import LexborHTMLParser

    title = str(entry.get("title") or "")
    body = LexborHTMLParser(title).body if "<" in title or "&" in title else None
    return " ".join((title if body is None else body.text()).split())


def entry_link(entry: Entry) -> str:
    """What it links to, as written."""
    return str(entry.get("link") or "")


def entry_content(entry: Entry) -> list[str]:
    """The entry's text as HTML: its content, else its summary."""
    parts = entry.get("content") or [entry.get("summary_detail") or {}]
    found = []
    for part in parts:
        value = str(part.get("value") or "")
        markup = str(part.get("type") or "") in _HTML
        found.append(value if markup else f"<pre>{html.escape(value)}</pre>")
    return found


def as_page(entry: Entry) -> bytes:
    """An HTML page of what the feed says; an entry without any text has its title alone."""
    body = "".join(f"<div>{part}</div>" for part in entry_content(entry) if part.strip())
    title = html.escape(entry_title(entry))
    page = f"<title>{title}</title><main>{body}</main>" if body else f"<p>{title}</p>"
    return b"\xef\xbb\xbf" + page.encode("utf-8", "replace")


def facts(entry: Entry, page: str) -> dict[str, Scalar]:
    """Metadata of an entry whose page is at `page`; what the feed does not say is left out."""
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    published = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*moment[:6]) if moment else ""
    facts = {"link": page, "author": str(entry.get("author") or ""), "published": published}
    return {name: value for name, value in facts.items() if value}
