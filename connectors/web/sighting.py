"""Looking at one page: fetched whole, or found to be what is known of it already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rag.connectors.formats.format import Format
from rag.connectors.web.exchange import Ask, Fetched
from rag.connectors.web.failing import FetchError, PassedError
from rag.connectors.web.fetching import Fetcher
from rag.connectors.web.links import Links, read_links
from rag.connectors.web.memory import Memory
from rag.connectors.web.reader import content, reader_called, reader_for
from rag.connectors.web.version import Version, digest, reader_name

_HTML = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Visit:
    """A page to look at: `depth` is how many links may be followed from it.

    `given` pages were named by the user; of a page that stands `alone` neither links nor
    canonical address count, and its document has the name that the user gave. A `whole` page
    is taken although it names another as canonical.
    """

    url: str
    depth: int = 0
    given: bool = False
    alone: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Sighting:
    """A page as it is now, at `url` after redirects. `data` is None where it is unchanged."""

    url: str
    version: Version
    recorded: str
    reader: Format
    links: Links
    data: bytes | None


class Looker:
    """Looks at pages with conditional requests, as far as `known` and `memory` allow.

    `known` gives the version of a document in the index, None for one that is not there.
    """

    def __init__(
        self, fetcher: Fetcher, known: Callable[[str], str | None], memory: Memory
    ) -> None:
        self._fetcher = fetcher
        self._known = known
        self._memory = memory

    def look(self, visit: Visit, check: Callable[[str], None], *, whole: bool = False) -> Sighting:
        """The page of `visit`; with `whole` its body comes at any rate. Raises FetchError."""
        sent: dict[str, str] = {}

        def conditions(url: str) -> Mapping[str, str]:
            recorded = None if whole else self._trusted(url, visit)
            version = Version.parse(recorded)
            if recorded is None or version is None or version.url != url:
                return {}
            if reader_called(version.reader) is None:
                return {}
            sent[url] = recorded
            return version.conditions

        ask = Ask(check, conditions, lambda url, kind: reader_for(url, kind) is not None)
        fetched = self._fetcher.fetch(visit.url, ask)
        if not fetched.unchanged:
            return self._fresh(fetched, visit)
        if fetched.url not in sent:
            raise FetchError("answered 304 Not Modified although nothing was known of it")
        return self._unchanged(fetched.url, sent[fetched.url])

    def knows(self, name: str, seen: Sighting) -> bool:
        """Whether the index has the document `name` as it was seen."""
        return self._known(name) == seen.recorded

    def _trusted(self, url: str, visit: Visit) -> str | None:
        """The version to ask about: one whose content and links are at hand.

        What a crawl met and did not list, such as a copy, is in its memory alone.
        """
        if visit.alone:
            return self._known(visit.url)
        recorded, remembered = self._known(url), self._memory.get(url)
        if remembered is not None and recorded in {None, remembered.version}:
            return remembered.version
        return recorded if visit.depth == 0 else None

    def _unchanged(self, url: str, recorded: str) -> Sighting:
        version = Version.parse(recorded)
        reader = reader_called(version.reader) if version else None
        assert version is not None
        assert reader is not None
        remembered = self._memory.get(url)
        fits = remembered is not None and remembered.version == recorded
        links = remembered.links if fits and remembered is not None else Links()
        return Sighting(url, version, recorded, reader, links, None)

    def _fresh(self, fetched: Fetched, visit: Visit) -> Sighting:
        reader = reader_for(fetched.url, fetched.media_type)
        if reader is None:
            kind = fetched.media_type or "unknown"
            raise PassedError(kind, f"is of the media type {kind}, which no format reads")
        headers = fetched.headers
        version = Version(
            fetched.url,
            headers.get("etag", ""),
            headers.get("last-modified", ""),
            digest(fetched.body),
            reader_name(reader),
        )
        data = content(fetched)
        links = Links()
        if not visit.alone:
            if _HTML.intersection(reader.media_types):
                links = read_links(data, fetched.url)
            self._memory.put(fetched.url, str(version), links)
        return Sighting(fetched.url, version, str(version), reader, links, data)
