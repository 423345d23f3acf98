"""What to list, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.connectors.web.sighting import Sighting


@dataclass(frozen=True, slots=True)
class Found:
    """A page to be listed as the document `id`."""

    id: str
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class Plan:
    """What to list: see the options of WebConnector. `starts` are normalised."""

    starts: Sequence[str]
    sitemap: bool | None
    crawl: bool
    depth: int
    pages: int
    prefix: str

    def is_sitemap(self, url: str) -> bool:
        """Whether to look for a sitemap at `url`."""
        named = url.lower().endswith((".xml", ".xml.gz"))
        return named if self.sitemap is None else self.sitemap
