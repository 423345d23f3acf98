"""What a crawl or a sitemap speaks for: whole sites, or what lies beneath a path of them."""

from __future__ import annotations

from rag.connectors.web.url import path_of, site


class Scope:
    """Sites by host and port; `prefix` is how paths must begin."""

    def __init__(self, prefix: str) -> None:
        self._sites: set[str] = set()
        self._prefix = prefix

    def add(self, url: str) -> None:
        """Take in the site of `url`."""
        self._sites.add(site(url))

    def has_site(self, url: str) -> bool:
        """Whether a normalised address is on one of the sites."""
        return site(url) in self._sites

    def holds(self, url: str) -> bool:
        """Whether a normalised address belongs here."""
        return self.has_site(url) and path_of(url).startswith(self._prefix)
