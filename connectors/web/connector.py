"""The connector of web pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import unquote

from pydantic import Field

from rag.connectors.formats.format import Format, Parse
from rag.connectors.parsing.here import parse_here
from rag.errors import DocumentError, SourceError
from rag.types import Document, Failure, Item

if TYPE_CHECKING:
    from rag.connectors.web.body import Body
    from rag.connectors.web.fetching import Fetcher
    from rag.connectors.web.listing import Listing
    from rag.connectors.web.memory import Memory
    from rag.connectors.web.plan import Found
    from rag.connectors.web.version import Version

USER_AGENT = f"ragline/{version('ragline')}"


def _knows_nothing(_: str) -> str | None:
    return None


class WebConnector:
    """Lists web pages: those given, those of sitemaps, or all that a crawl reaches.

    - `url`, `urls`: addresses. One that ends in `.xml` or `.xml.gz` and is a sitemap stands for
      its pages; `sitemap` says so of any address (its site's sitemaps are looked up), or that
      none is one.
    - `crawl`: also follow links, up to `depth` from each address, on the same host only and
      beneath the path `prefix`, such as `/docs/`. A crawl or sitemap visits at most `pages`
      pages and keeps to robots.txt.
    - `delay`: seconds between two requests to a host, or as long as its robots.txt asks.
    - `allow`: hosts that may have private addresses, such as `localhost` or `wiki.internal`;
      all others are refused where they resolve to one, also after redirects.
    - `timeout` is seconds without a byte, `page_seconds` seconds for one page in all.
      Servers that are busy (429, 503) are asked again, at most `retries` times, after the time
      that they ask for, up to `max_wait` seconds.

    Pages are fetched while they are listed, one at a time, and wait on disk to be read. One that
    was indexed before is asked for on condition that it has changed (ETag, Last-Modified); where
    it has not, that request is all that it costs. A crawl goes on from such a page over the
    links that it had the last time, which are kept beside the index.

    A page is listed once: copies (equal bytes), redirects and addresses that name another as
    canonical count as `duplicate` in `skipped`. A page of a list is named as it was given, one
    that was found by its address after redirects. What a sitemap or a crawl speaks for is its
    site beneath `prefix`; where it could not be gone through to the end, only what was visited.

    Raises SourceError for what is no address.
    """

    schemes: ClassVar[tuple[str, ...]] = ("http", "https")
    shorthand: ClassVar[str] = "url"
    # `known` gives the version of a document in the index; an item that has it is unchanged, and
    # loading it all the same costs another request. `cache` is a folder for what a crawl finds:
    # see rag.connectors.web.memory. Without it, pages that have links are fetched whole.
    given: ClassVar[frozenset[str]] = frozenset({"parse", "known", "cache"})

    def __init__(
        self,
        *,
        url: str = "",
        urls: Sequence[str] = (),
        sitemap: bool | None = None,
        crawl: bool = False,
        depth: Annotated[int, Field(ge=0)] = 3,
        pages: Annotated[int, Field(ge=1)] = 1000,
        prefix: str = "",
        delay: Annotated[float, Field(ge=0)] = 1.0,
        allow: Sequence[str] = (),
        max_bytes: Annotated[int, Field(ge=1)] = 50_000_000,
        timeout: Annotated[float, Field(gt=0)] = 20.0,
        page_seconds: Annotated[float, Field(gt=0)] = 120.0,
        retries: Annotated[int, Field(ge=0)] = 3,
        max_wait: Annotated[float, Field(ge=0)] = 120.0,
        user_agent: str = USER_AGENT,
        parse: Parse = parse_here,
        known: Callable[[str], str | None] = _knows_nothing,
        cache: Path | None = None,
    ) -> None:
        from rag.connectors.web.addresses import AddressCheck
        from rag.connectors.web.exchange import Limits
        from rag.connectors.web.fetching import Fetcher
        from rag.connectors.web.memory import Memory
        from rag.connectors.web.plan import Plan

        starts, logins = _starts([url, *urls] if url else urls)
        if prefix and not prefix.startswith("/"):
            raise SourceError(f"prefix '{prefix}' is no path: begin it with '/'")
        limits = Limits(max_bytes, timeout, page_seconds, delay, retries, max_wait, user_agent)
        self._plan = Plan(starts, sitemap, crawl, depth, pages, prefix)
        self._fetcher: Fetcher = Fetcher(limits, AddressCheck(allow))
        self._fetcher.logins.update(logins)
        self._memory: Memory = Memory(cache)
        self._known = known
        self._parse = parse
        self._agent = user_agent.partition("/")[0] or USER_AGENT
        self._listing = self._listed_anew()

    @property
    def skipped(self) -> Counter[str]:
        """What `items()` passed over, by reason."""
        return self._listing.skipped

    def items(self) -> Iterator[Item | Failure]:
        """Every page, breadth first; what cannot be had is a Failure."""
        from rag.connectors.web.body import Spool
        from rag.connectors.web.failing import FetchError

        self._listing = self._listed_anew()
        spool = Spool()
        self._memory.open()
        try:
            for found in self._listing.pages():
                if isinstance(found, Failure):
                    yield found
                    continue
                data = found.sighting.data
                try:
                    body = None if data is None else spool.keep(data)
                except FetchError as error:
                    yield Failure(found.id, str(error))
                    continue
                yield self._item(found, body, None if data is None else len(data))
        finally:
            self._fetcher.close()
            self._memory.close()

    def covers(self, source: str) -> bool:
        """Whether `source` would be listed here: see the class."""
        return self._listing.covers(source)

    def _listed_anew(self) -> Listing:
        from rag.connectors.web.listing import Listing
        from rag.connectors.web.robots import Robots
        from rag.connectors.web.sighting import Looker

        looker = Looker(self._fetcher, self._known, self._memory)
        return Listing(self._plan, self._fetcher, looker, Robots(self._fetcher, self._agent))

    def _item(self, found: Found, body: Body | None, size: int | None) -> Item:
        seen = found.sighting
        load = partial(self._load, found.id, seen.version, seen.reader, body)
        return Item(found.id, found.id, seen.recorded, load, size)

    def _load(self, name: str, version: Version, reader: Format, body: Body | None) -> Document:
        data = self._fetch_again(version) if body is None else body.read()
        parsed = self._parse(reader, data, name)
        title = parsed.title or _title(version.url)
        metadata = {**parsed.metadata, "format": reader.name.lower()}
        return Document(name, name, parsed.text, title, parsed.blocks, metadata)

    def _fetch_again(self, version: Version) -> bytes:
        """The body of a page that was listed as unchanged, and is wanted all the same."""
        from rag.connectors.web.reader import content
        from rag.connectors.web.version import digest

        try:
            fetched = self._fetcher.fetch(version.url)
        finally:
            self._fetcher.close()
        if digest(fetched.body) != version.digest:
            raise DocumentError("changed while being indexed; run again")
        return content(fetched)


def _starts(addresses: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Normalised addresses, each once, and the logins that were written into them, by origin."""
    from rag.connectors.web.url import authorisation, normalised, origin

    starts: list[str] = []
    logins: dict[str, str] = {}
    for number, address in enumerate(addresses, start=1):
        start = normalised(address)
        if start is None:
            # It may hold a password, and is shown without what could be one.
            shown = address.rpartition("@")[2] or f"number {number}"
            raise SourceError(f"'{shown}' is no http or https address; check the spelling")
        starts.append(start)
        if login := authorisation(address):
            logins[origin(start)] = login
    if not starts:
        raise SourceError("no address is given; set 'url' or 'urls'")
    return list(dict.fromkeys(starts)), logins


def _title(url: str) -> str:
    """The last part of an address's path, or its host: what to call a page without a title."""
    from rag.connectors.web.url import path_of, site

    last = unquote(path_of(url).rstrip("/").rpartition("/")[2])
    return " ".join("".join(c if c.isprintable() else " " for c in last).split()) or site(url)
