"""One run over a list of pages, a sitemap or a crawl: every page once, breadth first."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator

from rag.connectors.web.copies import Copies
from rag.connectors.web.failing import FetchError, PassedError
from rag.connectors.web.fetching import Fetcher
from rag.connectors.web.outages import Outages
from rag.connectors.web.plan import Found, Plan
from rag.connectors.web.reader import unreadable
from rag.connectors.web.robots import Robots
from rag.connectors.web.scope import Scope
from rag.connectors.web.sighting import Looker, Sighting, Visit
from rag.connectors.web.sitemaps import NoSitemapError, Sitemaps
from rag.connectors.web.url import site
from rag.types import Failure


class Listing:
    """Lists pages once; `skipped` counts what was passed over, by reason."""

    def __init__(self, plan: Plan, fetcher: Fetcher, looker: Looker, robots: Robots) -> None:
        self.skipped: Counter[str] = Counter()
        self._plan = plan
        self._fetcher = fetcher
        self._looker = looker
        self._robots = robots
        self._scope = Scope(plan.prefix)
        self._queue: deque[Visit] = deque()
        self._queued: set[str] = set()
        self._visited: set[str] = set()
        self._alone: set[str] = set()
        self._looks = 0
        self._copies = Copies()
        self._outages = Outages()
        self._complete = False

    def covers(self, source: str) -> bool:
        """Whether `source` would have been listed: only what was seen, where a run broke off."""
        if source in self._alone:
            return True
        return self._scope.holds(source) and (self._complete or source in self._visited)

    def pages(self) -> Iterator[Found | Failure]:
        """Every page, or what kept it from being read."""
        self._complete = True
        ended = False
        try:
            for start in self._plan.starts:
                yield from self._start(start)
            while self._queue:
                yield from self._next(self._queue.popleft())
            yield from self._outages.failures()
            ended = True
        finally:
            self._complete = self._complete and ended

    def _start(self, url: str) -> Iterator[Failure]:
        if self._plan.is_sitemap(url):
            try:
                yield from self._sitemap(url)
            except NoSitemapError:
                pass  # only guessed from its name: it is a page
            else:
                return
        alone = not self._plan.crawl
        if alone:
            self._alone.add(url)
        else:
            self._scope.add(url)
        if url not in self._queued:
            self._queued.add(url)
            self._queue.append(Visit(url, self._depth, given=True, alone=alone))

    def _next(self, visit: Visit) -> Iterator[Found | Failure]:
        if self._outages.hit(visit.url):
            yield from self._leave(visit)
        elif self._looks >= self._plan.pages and not visit.alone:
            self._complete = False
            self.skipped["beyond the limit of pages"] += 1
        else:
            self._looks += 1
            self._visited.add(visit.url)
            yield from self._visit(visit)

    def _visit(self, visit: Visit) -> Iterator[Found | Failure]:
        try:
            found = self._see(visit)
        except FetchError as error:
            yield from self._fail(visit, error)
        else:
            self._outages.answered(visit.url)
            if found is not None:
                yield found

    def _see(self, visit: Visit) -> Found | None:
        def check(url: str) -> None:
            if not visit.alone:
                self._check(url, given=visit.given)

        seen = self._looker.look(visit, check)
        if self._is_another(visit, seen.url):
            return None
        self._follow(visit, seen)
        if self._is_copy(visit, seen):
            self.skipped["duplicate"] += 1
            return None
        name = visit.url if visit.alone else seen.url
        if seen.data is None and not self._looker.knows(name, seen):
            # Passed over the last time, and now to be listed: its body is needed after all.
            seen = self._looker.look(visit, check, whole=True)
        self._copies.listed(seen)
        return Found(name, seen)

    def _is_another(self, visit: Visit, final: str) -> bool:
        """Whether a redirect led to a page that was visited already."""
        if final == visit.url:
            return False
        if final in self._visited:
            self.skipped["duplicate"] += 1
            return True
        self._visited.add(final)
        self._queued.add(final)
        if visit.given and not visit.alone:
            self._scope.add(final)
        return False

    def _is_copy(self, visit: Visit, seen: Sighting) -> bool:
        canonical = self._copies.original(visit, seen)
        if canonical is None or not self._scope.holds(canonical):
            return self._copies.has(seen)
        self._copies.pass_over(visit, seen, canonical)
        self._enqueue(canonical, visit.depth)
        return True

    def _follow(self, visit: Visit, seen: Sighting) -> None:
        if visit.depth > 0:
            for target in seen.links.targets:
                self._enqueue(target, visit.depth - 1)

    def _enqueue(self, url: str, depth: int) -> None:
        if url in self._queued or not self._scope.holds(url):
            return
        self._queued.add(url)
        if kind := unreadable(url):
            self.skipped[kind] += 1
        else:
            self._queue.append(Visit(url, depth))

    def _check(self, url: str, *, given: bool) -> None:
        """Raise FetchError where a crawl must not go."""
        if not given and not self._scope.holds(url):
            raise PassedError("elsewhere", "redirects to another site")
        self._obey(url)

    def _obey(self, url: str) -> None:
        if not self._robots.allows(url):
            raise PassedError("robots.txt", "may not be crawled, says robots.txt of its site")

    def _fail(self, visit: Visit, error: FetchError) -> Iterator[Failure]:
        failed = visit.url if visit.alone else error.url or visit.url
        self._visited.add(failed)
        for url in dict.fromkeys((visit.url, failed)):
            if (copy := self._copies.failed(url)) is not None:
                self._queue.append(copy)
        passed = isinstance(error, PassedError) or error.gone
        if visit.depth > 0 and (visit.given or not passed):
            self._complete = False  # its links are not known
        if passed and not visit.given:
            kind = error.kind if isinstance(error, PassedError) else "gone"
            self.skipped[kind] += 1
            return
        yield Failure(failed, str(error))
        self._outages.failed(failed, error)

    def _leave(self, visit: Visit) -> Iterator[Failure]:
        """Pass over a page of a site that is down."""
        self._complete = False
        if visit.given:
            told = f"was not tried: '{site(visit.url)}' does not answer; run again later"
            yield Failure(visit.url, told)
        else:
            self._outages.leave(visit.url)

    def _sitemap(self, start: str) -> Iterator[Failure]:
        """Queue the pages of a sitemap and of those that it names."""

        def check(url: str, top: bool) -> None:
            if not top and not self._scope.has_site(url):
                raise PassedError("elsewhere", "is a sitemap of another site")
            self._obey(url)

        sitemaps = Sitemaps(self._fetcher, self._robots, check, self._scope.add)
        for found in sitemaps.pages(start, guessed=self._plan.sitemap is None):
            if isinstance(found, Failure):
                self._complete = False
                yield found
            elif self._scope.holds(found):
                self._enqueue(found, self._depth)
            else:
                self.skipped["elsewhere"] += 1

    @property
    def _depth(self) -> int:
        return self._plan.depth if self._plan.crawl else 0
