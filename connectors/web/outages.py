"""Sites that have stopped answering."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rag.connectors.web.failing import FetchError, SiteError
from rag.connectors.web.url import origin, site
from rag.types import Failure

# So many pages of a site in a row that cannot be had mean that the site is down.
_DOWN_AFTER = 3


class Outages:
    """Counts errors in a row, by site, and the pages that are not visited for them."""

    def __init__(self) -> None:
        self._errors: Counter[str] = Counter()
        self._down: dict[str, int] = {}
        self._origins: dict[str, str] = {}

    def answered(self, url: str) -> None:
        """Note that the site of `url` answers."""
        self._errors.pop(site(url), None)

    def failed(self, url: str, error: FetchError) -> None:
        """Note that `url` could not be had."""
        place = site(url)
        self._errors[place] = self._errors[place] + 1 if error.down else 0
        if isinstance(error, SiteError) or self._errors[place] >= _DOWN_AFTER:
            self._down.setdefault(place, 0)
            self._origins.setdefault(place, origin(url))

    def hit(self, url: str) -> bool:
        """Whether the site of `url` is down."""
        return site(url) in self._down

    def leave(self, url: str) -> None:
        """Note a page that is not visited."""
        self._down[site(url)] += 1

    def failures(self) -> Iterator[Failure]:
        """What to say of pages that were not visited, a line for each site."""
        for place, count in self._down.items():
            if count:
                pages = "1 known page was" if count == 1 else f"{count:,} known pages were"
                told = f"stopped answering: {pages} not visited; run again later"
                yield Failure(self._origins[place], told)
