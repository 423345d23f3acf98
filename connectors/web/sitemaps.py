"""Walking through the sitemaps of a site."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from rag.connectors.web.exchange import Ask, Fetched
from rag.connectors.web.failing import FetchError
from rag.connectors.web.fetching import Fetcher
from rag.connectors.web.robots import Robots
from rag.connectors.web.sitemap import Sitemap, looks_like_sitemap, parse_sitemap
from rag.connectors.web.url import normalised, origin
from rag.types import Failure

_MOST = 1_000
_ENDINGS = (".xml", ".xml.gz", ".gz")


class NoSitemapError(Exception):
    """What might have been a sitemap, by its name, is a page."""


class Sitemaps:
    """Reads sitemaps and those that they name, each once.

    `check` is asked before each address is requested; its second argument says whether it is
    that of the outermost sitemap. `found` is told where that one was, after redirects.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        robots: Robots,
        check: Callable[[str, bool], None],
        found: Callable[[str], None],
    ) -> None:
        self._fetcher = fetcher
        self._robots = robots
        self._check = check
        self._found = found

    def pages(self, start: str, *, guessed: bool) -> Iterator[str | Failure]:
        """The addresses of pages as written there; a sitemap that cannot be read is a Failure.

        Raises NoSitemapError where `start` was only `guessed` to be a sitemap and is none.
        """
        waiting, met = deque(self._first(start)), set[str]()
        while waiting:
            url = waiting.popleft()
            if url in met or len(met) >= _MOST:
                continue
            top = not met
            met.add(url)
            try:
                fetched = self._fetch(url, top=top)
                sitemap = self._read(fetched, guessed=guessed and url == start)
            except FetchError as error:
                yield Failure(url, str(error))
                continue
            if top:
                self._found(fetched.url)
            waiting.extend(_seen_from(fetched.url, sitemap.sitemaps))
            yield from _seen_from(fetched.url, sitemap.pages)

    def _first(self, start: str) -> list[str]:
        """The sitemap at `start`, or those of its site."""
        if start.lower().endswith(_ENDINGS):
            return [start]
        try:
            named = _seen_from(start, self._robots.sitemaps(start))
        except FetchError:
            named = []  # the same will be said of the sitemap itself
        return named or [f"{origin(start)}/sitemap.xml"]

    def _fetch(self, url: str, *, top: bool) -> Fetched:
        return self._fetcher.fetch(url, Ask(lambda hop: self._check(hop, top)))

    def _read(self, fetched: Fetched, *, guessed: bool) -> Sitemap:
        try:
            return parse_sitemap(fetched.body, self._fetcher.limits.max_bytes)
        except FetchError:
            if guessed and not looks_like_sitemap(fetched.body):
                raise NoSitemapError from None
            raise


def _seen_from(base: str, addresses: list[str]) -> list[str]:
    found = (normalised(one, base) for one in addresses)
    return [one for one in found if one]
