"""Pages that are there more than once: under other addresses, or as copies of a canonical one."""

from __future__ import annotations

from dataclasses import replace

from rag.connectors.web.sighting import Sighting, Visit


class Copies:
    """Which pages of a run are copies of another.

    A page that names another as canonical is passed over for that one. The other way round it
    takes its place where the canonical page cannot be had; of pages that name one another the
    last is kept.
    """

    def __init__(self) -> None:
        self._digests: set[str] = set()
        self._pointing: set[str] = set()
        self._instead: dict[str, Visit] = {}
        self._failed: set[str] = set()

    def has(self, seen: Sighting) -> bool:
        """Whether a page with the same bytes was listed already."""
        return seen.version.digest in self._digests

    def listed(self, seen: Sighting) -> None:
        """Note a page that is listed."""
        self._digests.add(seen.version.digest)

    def original(self, visit: Visit, seen: Sighting) -> str | None:
        """The canonical page to visit instead of the one seen; None where it is its own."""
        canonical = seen.links.canonical
        if visit.alone or visit.whole or canonical in {"", seen.url}:
            return None
        if canonical in self._pointing or canonical in self._failed:
            return None
        return canonical

    def pass_over(self, visit: Visit, seen: Sighting, canonical: str) -> None:
        """Note that the page seen is not listed, as `canonical` is to be."""
        self._pointing.add(seen.url)
        self._instead.setdefault(canonical, replace(visit, url=seen.url, whole=True))

    def failed(self, url: str) -> Visit | None:
        """Note a page that cannot be had; the visit to a copy that was passed over for it."""
        self._failed.add(url)
        return self._instead.pop(url, None)
