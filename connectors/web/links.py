"""Where a web page leads: its links and its canonical address."""

from __future__ import annotations

from dataclasses import dataclass

from rag.connectors.formats.decoding import decode
from rag.connectors.formats.html import flatten
from rag.connectors.web.url import normalised
from rag.errors import DocumentError

_MOST = 5_000


@dataclass(frozen=True, slots=True)
class Links:
    """Normalised addresses in the order of the page, each once; `canonical` may be ""."""

    canonical: str = ""
    targets: tuple[str, ...] = ()


def read_links(data: bytes, url: str) -> Links:
    """The links of the HTML page `data` at `url`; none where it cannot be read."""
    from selectolax.lexbor import LexborHTMLParser

    try:
        # Addresses are ASCII in practice, whatever the encoding of the text.
        tree = LexborHTMLParser(flatten(decode(data, "HTML").text))
    except DocumentError:
        tree = LexborHTMLParser(flatten(data.decode("latin-1")))
    base_node = tree.css_first("base[href]")
    base = normalised(_href(base_node), url) if base_node is not None else None
    canonical = ""
    for node in tree.css("link[rel][href]"):
        if "canonical" in (node.attributes.get("rel") or "").lower().split():
            canonical = normalised(_href(node), base or url) or ""
            break
    found = (normalised(_href(node), base or url) for node in tree.css("a[href], area[href]"))
    return Links(canonical, tuple(dict.fromkeys(one for one in found if one))[:_MOST])


def _href(node: object) -> str:
    attributes: dict[str, str | None] = getattr(node, "attributes", {})
    return attributes.get("href") or ""
