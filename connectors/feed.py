"""News feeds: RSS and Atom, from the web or from a file."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from rag.connectors.feed_entry import (
    Entry,
    as_page,
    entry_content,
    entry_link,
    entry_title,
    facts,
    identity,
)
from rag.connectors.formats.catalogue import format_of
from rag.connectors.formats.format import Format, Parse
from rag.connectors.names import absolute, source_name
from rag.connectors.parsing.here import parse_here
from rag.connectors.reading import read_bytes
from rag.errors import DocumentError, SourceError
from rag.types import Document, Failure, Item

if TYPE_CHECKING:
    from rag.connectors.web.fetching import Fetcher

USER_AGENT = f"ragline/{version('ragline')}"
_WEB = ("http://", "https://")
_ASIDE = re.compile(rb"<!--|<\?")
_ROOT = re.compile(rb"<(?:rss|feed|rdf)\b", re.IGNORECASE)


class FeedConnector:
    """Lists the entries of a feed; each is a document, read as a web page is.

    - `url`: the feed's address, or the name of a file.
    - `full`: read the page that an entry links to instead of what the feed says of it. It is
      fetched when the feed's entry changes, and only where robots.txt allows.
    - `keep`: entries stay in the index when they have left the feed, as most feeds tell the
      latest only. Without it they are removed.
    - `delay`, `allow`, `max_bytes`, `timeout`, `page_seconds`, `retries`, `max_wait`,
      `user_agent`: as for `web`.

    A document is named `feed:ADDRESS#ENTRY`; its page is `link` in its metadata, with `author`
    and `published` (ISO 8601) where the feed says them.
    Raises SourceError for what is no address and no file.
    """

    schemes: ClassVar[tuple[str, ...]] = ("feed",)
    shorthand: ClassVar[str] = "url"
    given: ClassVar[frozenset[str]] = frozenset({"base", "parse"})

    def __init__(
        self,
        *,
        url: str,
        full: bool = False,
        keep: bool = True,
        delay: Annotated[float, Field(ge=0)] = 1.0,
        allow: Sequence[str] = (),
        max_bytes: Annotated[int, Field(ge=1)] = 20_000_000,
        timeout: Annotated[float, Field(gt=0)] = 20.0,
        page_seconds: Annotated[float, Field(gt=0)] = 120.0,
        retries: Annotated[int, Field(ge=0)] = 3,
        max_wait: Annotated[float, Field(ge=0)] = 120.0,
        user_agent: str = USER_AGENT,
        base: Path | None = None,
        parse: Parse = parse_here,
    ) -> None:
        from rag.connectors.web.addresses import AddressCheck
        from rag.connectors.web.exchange import Limits
        from rag.connectors.web.fetching import Fetcher
        from rag.connectors.web.robots import Robots

        limits = Limits(max_bytes, timeout, page_seconds, delay, retries, max_wait, user_agent)
        self._fetcher: Fetcher = Fetcher(limits, AddressCheck(allow))
        self._path: Path | None = None
        self._address = self._named(url, base)
        self._robots = Robots(self._fetcher, user_agent.partition("/")[0] or USER_AGENT)
        self._full = full
        self._keep = keep
        self._parse = parse
        self._listed: set[str] = set()
        self._whole = False
        self.skipped: Counter[str] = Counter()

    def items(self) -> Iterator[Item | Failure]:
        """Every entry in the feed's order; a feed that cannot be had is a Failure."""
        self._listed, self._whole = set(), False
        self.skipped = Counter()
        try:
            entries, place = self._entries()
        except DocumentError as error:
            yield Failure(self._source, str(error))
            return
        finally:
            self._fetcher.close()
        for entry in entries:
            name = f"{self._source}#{identity(entry)}"
            if name in self._listed:
                self.skipped["duplicate"] += 1
                continue
            self._listed.add(name)
            load = partial(self._load, name, entry, place)
            yield Item(name, name, self._version(entry), load)
        self._whole = True

    def covers(self, source: str) -> bool:
        """Whether `source` is an entry of this feed: one listed now, where old ones are kept."""
        if source in self._listed:
            return True
        return not self._keep and self._whole and source.startswith(f"{self._source}#")

    @property
    def _source(self) -> str:
        return f"feed:{self._address}"

    def _named(self, url: str, base: Path | None) -> str:
        from rag.connectors.web.url import authorisation, normalised, origin

        address = url.removeprefix("feed:")
        address = f"https:{address}" if address.startswith("//") else address
        if address.lower().startswith(_WEB):
            found = normalised(address)
            if found is None:
                raise SourceError("the feed's address is no http or https address; check it")
            if login := authorisation(address):
                self._fetcher.logins[origin(found)] = login
            return found
        self._path = absolute(Path(base or Path.cwd(), address))
        if not address or not self._path.is_file():
            shown = source_name(self._path, base)
            raise SourceError(f"no such feed: '{shown}' is no file; check the spelling")
        return source_name(self._path, base)

    def _entries(self) -> tuple[list[Entry], str]:
        """The feed's entries, and the address that their links are seen from."""
        import feedparser

        headers: dict[str, str] = {}
        place = ""
        if self._path is not None:
            data = read_bytes(self._path, self._fetcher.limits.max_bytes)
        else:
            fetched = self._fetcher.fetch(self._address)
            data, place = fetched.body, fetched.url
            kind = fetched.headers.get("content-type", "application/xml")
            headers = {"content-type": kind, "content-location": place}
        if _declares_entities(data):
            raise DocumentError("declares entities, which may expand without end; it is not read")
        # A stream, as text would be taken for an address or a file's name.
        parsed = feedparser.parse(BytesIO(data), response_headers=headers)
        if not parsed.get("version") and not parsed.entries:
            raise DocumentError("is no feed (RSS or Atom); check the address")
        # Plain mappings: feedparser's own stand in for keys that an entry has not.
        return [dict(entry) for entry in parsed.entries], place

    def _version(self, entry: Entry) -> str:
        record = [
            self._full,
            entry_title(entry),
            entry_link(entry),
            *entry_content(entry),
            entry.get("updated"),
        ]
        encoded = json.dumps([*record, _reader().version], default=str).encode()
        return hashlib.blake2b(encoded, digest_size=16).hexdigest()

    def _load(self, name: str, entry: Entry, place: str) -> Document:
        link = self._link_of(entry, place)
        if self._full and link:
            reader, data = self._page(link)
        else:
            reader, data = _reader(), as_page(entry)
        parsed = self._parse(reader, data, name)
        title = entry_title(entry) or parsed.title
        metadata = {**parsed.metadata, **facts(entry, link), "format": reader.name.lower()}
        return Document(name, name, parsed.text, title, parsed.blocks, metadata)

    def _page(self, link: str) -> tuple[Format, bytes]:
        from rag.connectors.web.exchange import Ask
        from rag.connectors.web.failing import PassedError
        from rag.connectors.web.reader import content, reader_for

        def check(url: str) -> None:
            if not self._robots.allows(url):
                raise PassedError("robots.txt", "its page may not be read, says robots.txt")

        try:
            fetched = self._fetcher.fetch(link, Ask(check))
        finally:
            self._fetcher.close()
        reader = reader_for(fetched.url, fetched.media_type)
        if reader is None:
            kind = fetched.media_type or "unknown"
            raise DocumentError(f"its page is of the media type {kind}, which no format reads")
        return reader, content(fetched)

    def _link_of(self, entry: Entry, place: str) -> str:
        from rag.connectors.web.url import normalised

        return normalised(entry_link(entry), place) or ""


def _declares_entities(data: bytes) -> bool:
    """Whether there is a declaration before the outermost element, the only place for one."""
    data = data.replace(b"\0", b"")  # UTF-16, too
    plain, position = bytearray(), 0
    while (aside := _ASIDE.search(data, position)) is not None:
        plain += data[position : aside.start()]
        ending = b"-->" if aside[0] == b"<!--" else b"?>"
        position = data.find(ending, aside.end())
        if position < 0:
            break
    plain += data[position:] if position >= 0 else b""
    return b"<!ENTITY" in _ROOT.split(plain, maxsplit=1)[0]


def _reader() -> Format:
    reader = format_of("", "text/html")
    assert reader is not None
    return reader
