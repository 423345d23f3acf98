"""Feeds from a real site and from files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback_site import Page, Site, serving

from rag.connectors.feed import FeedConnector
from rag.errors import SourceError
from rag.sources import open_sources
from rag.types import Document, Failure, Item

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>Harbour news</title><link>https://news.example/</link>
<item><title>Bridge &amp;amp; ferry</title><link>/bridge</link><guid>urn:1</guid>
<pubDate>Sat, 14 Mar 2026 06:00:00 GMT</pubDate><author>Marta</author>
<description>Short.</description>
<content:encoded><![CDATA[<h2>Open</h2><p>The bridge is <b>open</b>.</p><ul><li>One</li></ul>
<script>alert(1)</script>]]></content:encoded></item>
<item><title>No id</title><link>https://news.example/two</link><description>Second</description>
</item>
<item><title>Title alone</title><guid>urn:3</guid></item>
<item><title>Again</title><guid>urn:1</guid><description>A copy</description></item>
</channel></rss>"""

ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Notes</title>
<id>urn:feed</id><updated>2026-03-01T00:00:00Z</updated>
<entry><id>urn:a</id><title>Plain</title><updated>2026-03-01T00:00:00Z</updated>
<content type="text">1 &lt; 2 is not markup</content></entry></feed>"""


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as one:
        yield one


def feed(url: str, **options: Any) -> FeedConnector:
    return FeedConnector(url=url, **{"delay": 0.0, "retries": 0, "allow": ["127.0.0.1"], **options})


def read(connector: FeedConnector) -> list[Document]:
    return [item.load() for item in connector.items() if isinstance(item, Item)]


def test_entries_are_documents(site: Site) -> None:
    site.pages["/rss"] = Page(RSS, kind="application/rss+xml")
    connector = feed(site.url("/rss"))
    bridge, second, alone = read(connector)
    assert bridge.id == bridge.source == f"feed:{site.url('/rss')}#urn:1"
    assert second.id.endswith("#https://news.example/two")
    assert bridge.title == "Bridge & ferry"
    assert bridge.text == "Open\n\nThe bridge is open.\n\n- One"
    assert [block.kind for block in bridge.blocks] == ["heading", "paragraph", "list"]
    assert dict(bridge.metadata) == {
        "link": site.url("/bridge"),
        "author": "Marta",
        "published": "2026-03-14T06:00:00Z",
        "format": "html",
    }
    assert (second.text, alone.text) == ("Second", "Title alone")
    assert connector.skipped == {"duplicate": 1}


def test_atom_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "notes.atom").write_text(ATOM)
    (item,) = open_sources(["feed:notes.atom"], base=tmp_path).items()
    assert isinstance(item, Item)
    document = item.load()
    assert document.id == "feed:notes.atom#urn:a"
    assert document.text == "1 < 2 is not markup"
    assert document.metadata["published"] == "2026-03-01T00:00:00Z"


def test_an_entry_changes_when_the_feed_says_so(site: Site) -> None:
    site.pages["/rss"] = Page(RSS, kind="text/xml")
    first = [one.version for one in feed(site.url("/rss")).items() if isinstance(one, Item)]
    site.pages["/rss"] = Page(RSS.replace("Second", "Other"), kind="text/xml")
    second = [one.version for one in feed(site.url("/rss")).items() if isinstance(one, Item)]
    assert [a == b for a, b in zip(first, second, strict=True)] == [True, False, True]


def test_entries_that_left_the_feed(site: Site) -> None:
    site.pages["/rss"] = Page(RSS, kind="text/xml")
    old = f"feed:{site.url('/rss')}#urn:0"
    for keep, covered in ((True, False), (False, True)):
        connector = feed(site.url("/rss"), keep=keep)
        assert not connector.covers(old), "not before it is known"
        read(connector)
        assert connector.covers(old) == covered
        assert connector.covers(f"feed:{site.url('/rss')}#urn:1")
        assert not connector.covers(site.url("/rss"))


def test_the_whole_page_of_an_entry(site: Site) -> None:
    site.pages["/rss"] = Page(RSS, kind="text/xml")
    site.page("/bridge", "The whole story of the bridge")
    whole = RSS.replace("https://news.example/two", "/hidden").replace(
        "https://news.example/", site.root + "/"
    )
    site.pages["/rss"] = Page(whole, kind="text/xml")
    site.pages["/robots.txt"] = Page("User-agent: *\nDisallow: /hidden", kind="text/plain")
    items = [one for one in feed(site.url("/rss"), full=True).items() if isinstance(one, Item)]
    assert site.paths == ["/rss"], "pages are fetched when they are loaded"
    document = items[0].load()
    assert document.text == "The whole story of the bridge"
    assert document.title == "Bridge & ferry"
    with pytest.raises(Exception, match=r"says robots\.txt"):
        items[1].load()
    assert items[2].load().text == "Title alone"


@pytest.mark.parametrize("body", ["<html><body>hello", "", "{}", "\x00\x01"])
def test_what_is_no_feed(site: Site, body: str) -> None:
    site.pages["/"] = Page(body)
    (failure,) = feed(site.url("/")).items()
    assert failure == Failure(
        f"feed:{site.url('/')}", "is no feed (RSS or Atom); check the address"
    )


def test_a_feed_that_cannot_be_had_removes_nothing(site: Site) -> None:
    connector = feed(site.url("/none"), keep=False)
    (failure,) = connector.items()
    assert isinstance(failure, Failure)
    assert "404" in failure.error
    assert not connector.covers(f"feed:{site.url('/none')}#x")


def test_entities_do_not_explode(site: Site) -> None:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a0 "ha">{levels}]>'
    text = RSS.replace('<?xml version="1.0" encoding="utf-8"?>', bomb).replace("Second", "&a9;")
    hidden = text.replace("<!DOCTYPE", "<!-- <rss --><?x <feed ?><!DOCTYPE")
    for body in (text.encode(), text.encode("utf-16"), hidden.encode()):
        site.pages["/rss"] = Page(body, kind="text/xml")
        (failure,) = feed(site.url("/rss")).items()
        assert isinstance(failure, Failure)
        assert "declares entities" in failure.error


def test_text_about_entities_is_no_declaration(site: Site) -> None:
    text = RSS.replace("<description>Second", "<description>&lt;!ENTITY").replace(
        "<h2>Open", "<!ENTITY x><h2>Open"
    )
    site.pages["/rss"] = Page(text, kind="text/xml")
    assert len(read(feed(site.url("/rss")))) == 3


def test_private_hosts_and_passwords(site: Site) -> None:
    site.pages["/rss"] = Page(RSS, kind="text/xml")
    (failure,) = feed(site.url("/rss"), allow=[]).items()
    assert "private or reserved" in str(failure)
    address = site.url("/rss").replace("http://", "http://me:hunter2@")
    found = list(feed(address).items())
    assert "hunter2" not in repr(found)
    assert site.requests[0][1]["authorization"].startswith("Basic ")


def test_no_feed_at_all(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no such feed: 'gone\.xml'"):
        open_sources(["feed:gone.xml"], base=tmp_path)
    with pytest.raises(SourceError):
        FeedConnector(url="")
