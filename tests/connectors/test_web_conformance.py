"""The laws of connectors, for pages and feeds of a real site."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_site import Page, Site, serving

from rag.connectors.feed import FeedConnector
from rag.connectors.web.connector import WebConnector
from rag.protocols import Connector
from rag.testing import ConnectorSuite

FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
<item><guid>1</guid><title>One</title><description>First &lt;b&gt;x&lt;/b&gt;</description></item>
<item><guid>2</guid><title>Two</title><description>Second text</description></item>
<item><guid>3</guid></item></channel></rss>"""


class _Suite(ConnectorSuite):
    site: Site

    @pytest.fixture(autouse=True)
    def _serve(self) -> Iterator[None]:
        with serving() as self.site:
            yield


class TestCrawl(_Suite):
    def make(self, folder: Path) -> Connector:
        self.site.page("/", "Start", "/a", "/b", "/broken")
        self.site.page("/a", "Page ä 🜚", "/b", "/")
        self.site.page("/b", "Page b")
        self.site.pages["/broken"] = Page("oops", 500)
        start = self.site.url("/")
        return WebConnector(url=start, crawl=True, delay=0, retries=0, allow=["127.0.0.1"])


class TestFeed(_Suite):
    def make(self, folder: Path) -> Connector:
        self.site.pages["/feed"] = Page(FEED, kind="application/rss+xml")
        return FeedConnector(url=self.site.url("/feed"), delay=0, allow=["127.0.0.1"])
