"""What sites ask of crawlers: robots.txt (RFC 9309)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.connectors.web.failing import FetchError, SiteError
from rag.connectors.web.url import origin, path_of, site

if TYPE_CHECKING:
    from protego import Protego

    from rag.connectors.web.fetching import Fetcher

_LONGEST_DELAY = 60.0


class Robots:
    """The rules of each site, fetched once; those for `agent`, else those for everybody."""

    def __init__(self, fetcher: Fetcher, agent: str) -> None:
        self._fetcher = fetcher
        self._agent = agent
        self._rules: dict[str, Protego | str] = {}

    def allows(self, url: str) -> bool:
        """Whether `url` may be fetched. Raises SiteError where the rules cannot be read.

        Then nothing may be fetched; that there are no rules (404 and the like) allows all.
        """
        return path_of(url) == "/robots.txt" or bool(self._of(url).can_fetch(url, self._agent))

    def sitemaps(self, url: str) -> list[str]:
        """The sitemaps that the site of `url` names."""
        return list(self._of(url).sitemaps)

    def _of(self, url: str) -> Protego:
        place = origin(url)
        if place not in self._rules:
            self._rules[place] = self._read(place)
        rules = self._rules[place]
        if isinstance(rules, str):
            raise SiteError(rules)
        return rules

    def _read(self, place: str) -> Protego | str:
        """The rules, or why they cannot be read."""
        from protego import Protego

        try:
            text = self._fetcher.fetch(f"{place}/robots.txt").body.decode("utf-8", "replace")
        except FetchError as error:
            if not error.refused:
                return f"is left alone, as its robots.txt cannot be read: {error}"
            text = ""
        rules = Protego.parse(text)
        asked = rules.crawl_delay(self._agent)
        if asked:
            self._fetcher.delays[site(place)] = min(float(asked), _LONGEST_DELAY)
        return rules
