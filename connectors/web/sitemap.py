"""Sitemaps and indexes of sitemaps (sitemaps.org), plain or compressed."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError, ParserCreate

from rag.connectors.web.body import gunzip
from rag.connectors.web.failing import FetchError

_GZIP = b"\x1f\x8b"
_ROOTS = frozenset({"urlset", "sitemapindex"})
# The protocol allows 50,000 addresses in a sitemap.
_MOST = 200_000


@dataclass(slots=True)
class Sitemap:
    """The addresses of pages, and of further sitemaps, in order and as written."""

    pages: list[str] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)


def looks_like_sitemap(data: bytes) -> bool:
    """Whether `data` begins as a sitemap does; compressed data does not tell."""
    head = data[:4096]
    return b"<urlset" in head or b"<sitemapindex" in head


def parse_sitemap(data: bytes, max_bytes: int) -> Sitemap:
    """Read a sitemap that expands to at most `max_bytes`. Raises FetchError for anything else."""
    if data.startswith(_GZIP):
        data = gunzip(data, max_bytes)
    reader = _Reader()
    try:
        reader.parser.Parse(data.lstrip(), True)
    except (ExpatError, UnicodeError) as error:
        raise FetchError(f"is no sitemap: {error}") from None
    if reader.root not in _ROOTS:
        raise FetchError(f"is no sitemap: its outermost element is <{reader.root}>")
    return reader.found


class _Reader:
    """Follows the parser's events: `<loc>` directly beneath `<url>` or `<sitemap>` counts."""

    def __init__(self) -> None:
        self.found = Sitemap()
        self.root = ""
        self._open: list[str] = []
        self._text: list[str] = []
        self.parser = ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append
        # Sitemaps have no use for entities, and attacks have.
        self.parser.EntityDeclHandler = self._refuse

    def _start(self, name: str, _: object) -> None:
        tag = name.rpartition(" ")[2]
        self.root = self.root or tag
        self._open.append(tag)
        self._text.clear()

    def _end(self, _: str) -> None:
        above = self._open[-2] if len(self._open) > 1 else ""
        if self._open.pop() == "loc" and above in {"url", "sitemap"}:
            place = self.found.pages if above == "url" else self.found.sitemaps
            place.append("".join(self._text).strip())
            if len(place) > _MOST:
                raise FetchError(f"is a sitemap of more than {_MOST:,} addresses; split it")
        self._text.clear()

    def _refuse(self, *_: object) -> None:
        raise FetchError("is no sitemap: it declares entities")
