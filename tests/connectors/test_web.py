"""The web connector on a real site."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from loopback_site import Page, Site, serving

from rag.connectors.web.connector import WebConnector
from rag.errors import DocumentError, SourceError
from rag.sources import open_sources
from rag.types import Document, Failure, Item


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as one:
        yield one


def web(site: Site, path: str = "/", **options: Any) -> WebConnector:
    given: dict[str, Any] = {"delay": 0.0, "retries": 0, "allow": ["127.0.0.1"], **options}
    if "urls" not in given:
        given["url"] = site.url(path)
    return WebConnector(**given)


def names(connector: WebConnector) -> list[str]:
    """The paths of listed pages, failures in brackets."""
    found = []
    for one in connector.items():
        path = "/" + one.source.partition("://")[2].partition("/")[2]
        found.append(path if isinstance(one, Item) else f"({path})")
    return found


def listed(connector: WebConnector) -> list[Item]:
    found = list(connector.items())
    assert not [one for one in found if isinstance(one, Failure)]
    return [one for one in found if isinstance(one, Item)]


def read(connector: WebConnector) -> list[Document]:
    return [item.load() for item in listed(connector)]


class Index:
    """What an index remembers: the version of each document."""

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self.loaded: list[str] = []

    def run(self, connector: WebConnector) -> None:
        """Take up what is new, as an index run does."""
        self.loaded = []
        seen = set()
        for one in connector.items():
            seen.add(one.source)
            if isinstance(one, Item) and self.versions.get(one.id) != one.version:
                one.load()
                self.loaded.append(one.id)
                self.versions[one.id] = one.version
        gone = [name for name in self.versions if name not in seen and connector.covers(name)]
        for name in gone:
            del self.versions[name]


# Lists of pages


def test_pages_are_named_as_given(site: Site) -> None:
    site.redirect("/latest", "/v2")
    site.page("/v2", "Version two")
    site.page("/b", "Page b")
    urls = [site.url("/latest"), site.url("/b#part"), site.url("/b")]
    connector = web(site, urls=urls)
    assert [(one.source, one.title) for one in read(connector)] == [
        (site.url("/latest"), "Version two"),
        (site.url("/b"), "Page b"),
    ]
    assert connector.covers(site.url("/b"))
    assert not connector.covers(site.url("/v2"))
    assert not connector.covers("notes.txt")


def test_two_given_addresses_of_one_page_are_one_document(site: Site) -> None:
    site.redirect("/old", "/new")
    site.page("/new", "New")
    connector = web(site, urls=[site.url("/old"), site.url("/new")])
    assert names(connector) == ["/old"]
    assert connector.skipped == {"duplicate": 1}


def test_a_page_that_cannot_be_had_leaves_the_others(site: Site) -> None:
    site.page("/a", "Page a")
    connector = web(site, urls=[site.url("/a"), site.url("/none"), site.url("/picture")])
    site.pages["/picture"] = Page(b"\x89PNG", kind="image/png")
    assert names(connector) == ["/a", "(/none)", "(/picture)"]
    told = [one.error for one in connector.items() if isinstance(one, Failure)]
    assert told[0] == "answered 404 Not Found; check the address"
    assert told[1] == "is of the media type image/png, which no format reads"


def test_the_media_type_decides_the_format(site: Site) -> None:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.cell(text="The tide turns at noon.")
    site.pages["/report"] = Page(bytes(pdf.output()), kind="application/pdf; charset=utf-8")
    site.pages["/notes.md"] = Page("# Notes\n\ntext", kind="text/plain")
    site.pages["/plain"] = Page("<b>no markup", kind="text/plain")
    site.pages["/untyped"] = Page("<h1>Head</h1><p>x", kind="")
    paths = ("/report", "/notes.md", "/plain", "/untyped")
    found = read(web(site, urls=[site.url(path) for path in paths]))
    assert [one.metadata["format"] for one in found] == ["pdf", "markdown", "text", "html"]
    assert found[0].text.strip() == "The tide turns at noon."
    assert found[0].title == "report"
    assert found[2].text == "<b>no markup"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html; charset=windows-1251", "<p>Порт".encode("cp1251")),
        ("text/html; charset=windows-1251", "<meta charset=koi8-r><p>Порт".encode("cp1251")),
        ("text/html", "<meta charset=koi8-r><p>Порт".encode("koi8-r")),
        ("text/html; charset=iso-8859-1", "<p>Порт".encode()),
        ("text/html; charset=utf-8", "<meta charset=koi8-r><p>Порт".encode("koi8-r")),
        ("text/html; charset=koi8-r", b"\xef\xbb\xbf" + "<p>Порт".encode()),
        ("text/html; charset=no-such", "<p>Порт".encode()),
        ("text/plain; charset=koi8-r", "Порт".encode("koi8-r")),
    ],
)
def test_encodings_that_contradict_one_another(site: Site, kind: str, body: bytes) -> None:
    """The mark of the bytes, then UTF-8 where it fits, then the header, then the page."""
    site.pages["/"] = Page(body, kind=kind)
    (found,) = read(web(site))
    assert found.text == "Порт"


def test_private_hosts_are_refused_unless_allowed(site: Site) -> None:
    site.page("/", "secret")
    (failure,) = web(site, allow=[]).items()
    assert isinstance(failure, Failure)
    assert "private or reserved network address" in failure.error
    assert "allow: [127.0.0.1]" in failure.error
    assert site.requests == []


def test_passwords_are_sent_and_never_shown(site: Site) -> None:
    site.page("/", "members only")
    address = site.url("/").replace("http://", "http://me:hunter2@")
    connector = web(site, urls=[address, address + "none"])
    found = list(connector.items())
    assert site.requests[0][1]["authorization"].startswith("Basic ")
    assert "hunter2" not in repr(found)
    assert found[0].source == site.url("/")
    with pytest.raises(SourceError) as caught:
        WebConnector(url="ftp://me:hunter2@h.example/")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [{"url": ""}, {"url": "nonsense"}, {"url": "http://h.example", "prefix": "docs"}],
)
def test_what_is_no_source(options: dict[str, Any]) -> None:
    with pytest.raises(SourceError):
        WebConnector(**options)


def test_it_is_found_by_scheme_and_by_name(site: Site) -> None:
    site.page("/", "hi")
    mapping = f"{{use: web, url: '{site.url('/')}', allow: [127.0.0.1], delay: 0}}"
    for source in (site.url("/"), f"web:{site.url('/')}", mapping):
        assert isinstance(open_sources([source]), WebConnector)
    (item,) = open_sources([mapping]).items()
    assert isinstance(item, Item)
    assert item.load().title == "hi"


# Conditional requests


@pytest.mark.parametrize("validator", ["etag", "modified"])
def test_an_unchanged_page_costs_one_conditional_request(site: Site, validator: str) -> None:
    stamp = {"etag": '"one"', "modified": "Sat, 01 Aug 2026 10:00:00 GMT"}[validator]
    site.page("/", "Page", **{validator: stamp})
    index = Index()
    index.run(web(site, known=index.versions.get))
    site.forget()
    index.run(web(site, known=index.versions.get))
    assert site.statuses == [("/", 304)]
    assert index.loaded == []
    site.page("/", "Other", **{validator: stamp.replace("o", "0").replace("A", "a")})
    index.run(web(site, known=index.versions.get))
    assert index.loaded == [site.url("/")]


def test_a_page_without_validators_is_compared_by_its_bytes(site: Site) -> None:
    site.page("/", "Page")
    index = Index()
    for _ in range(2):
        index.run(web(site, known=index.versions.get))
    assert index.loaded == []
    site.page("/", "Other")
    index.run(web(site, known=index.versions.get))
    assert index.loaded == [site.url("/")]


def test_an_unchanged_page_can_be_loaded_all_the_same(site: Site) -> None:
    site.page("/", "Page", etag='"1"')
    (first,) = listed(web(site))
    connector = web(site, known=lambda _: first.version)
    (second,) = listed(connector)
    assert second.version == first.version
    assert second.load().title == "Page"
    site.page("/", "Other", etag='"2"')
    with pytest.raises(DocumentError, match="changed while being indexed"):
        second.load()


def test_validators_of_another_page_are_not_used(site: Site) -> None:
    """A redirect that leads elsewhere now must not be taken for what it led to before."""
    date = "Sat, 01 Aug 2026 10:00:00 GMT"
    site.redirect("/latest", "/v1")
    site.page("/v1", "One", modified=date)
    site.page("/v2", "Two", modified=date)
    index = Index()
    index.run(web(site, "/latest", known=index.versions.get))
    site.redirect("/latest", "/v2")
    index.run(web(site, "/latest", known=index.versions.get))
    assert index.loaded == [site.url("/latest")]


def test_a_page_of_another_format_version_is_read_again(site: Site) -> None:
    site.page("/", "Page", etag='"1"')
    (item,) = listed(web(site))
    old = item.version.replace("HTML ", "HTML 0")
    assert old != item.version
    (again,) = listed(web(site, known=lambda _: old))
    assert again.version == item.version
    assert [status for _, status in site.statuses] == [200, 200]


def test_items_load_later_in_any_order_and_thread(site: Site) -> None:
    for number in range(5):
        site.page(f"/{number}", f"Page {number}")
    items = listed(web(site, urls=[site.url(f"/{number}") for number in range(5)]))
    site.forget()
    titles: list[str] = []
    thread = threading.Thread(
        target=lambda: titles.extend(item.load().title for item in reversed(items))
    )
    thread.start()
    thread.join()
    assert titles == [f"Page {number}" for number in reversed(range(5))]
    assert site.requests == []


# Crawls


def tree(site: Site, **given: str) -> None:
    """A start with two pages, one of which leads on for two more."""
    site.page("/", "Start", "/a", "b.html#part", "/a?", "http://elsewhere.example/", **given)
    site.page("/a", "Page a", "/", "/a/deep", "mailto:me@h.example", "/photo.jpg", **given)
    site.page("/b.html", "Page b", "/private/x", "/a/deep", **given)
    site.page("/a/deep", "Deep", "/a/deep/er", **given)
    site.page("/a/deep/er", "Deeper", **given)


def test_a_crawl_goes_breadth_first_and_visits_a_page_once(site: Site) -> None:
    tree(site)
    site.pages["/robots.txt"] = Page("User-agent: *\nDisallow: /private\n", kind="text/plain")
    connector = web(site, crawl=True)
    assert names(connector) == ["/", "/a", "/b.html", "/a/deep", "/a/deep/er"]
    assert site.paths == ["/", "/a", "/b.html", "/a/deep", "/a/deep/er"]
    assert connector.skipped == {".jpg": 1, "robots.txt": 1}
    assert connector.covers(site.url("/gone"))
    assert not connector.covers("http://elsewhere.example/")


def test_depth_and_prefix(site: Site) -> None:
    tree(site)
    assert names(web(site, crawl=True, depth=0)) == ["/"]
    assert names(web(site, crawl=True, depth=1)) == ["/", "/a", "/b.html"]
    connector = web(site, "/a", crawl=True, prefix="/a")
    assert names(connector) == ["/a", "/a/deep", "/a/deep/er"]
    assert not connector.covers(site.url("/b.html"))


def test_a_limit_of_pages_leaves_the_others_alone(site: Site) -> None:
    tree(site)
    connector = web(site, crawl=True, pages=2)
    assert names(connector) == ["/", "/a"]
    assert connector.skipped["beyond the limit of pages"] == 2
    assert connector.covers(site.url("/a"))
    assert not connector.covers(site.url("/b.html"))


def test_a_page_that_is_gone_is_removed_and_a_broken_one_is_kept(site: Site) -> None:
    tree(site)
    index = Index()
    index.run(web(site, crawl=True, known=index.versions.get))
    assert len(index.versions) == 5
    del site.pages["/a/deep/er"]
    site.pages["/b.html"] = Page("oops", 500)
    connector = web(site, crawl=True, known=index.versions.get)
    assert names(connector) == ["/", "/a", "(/b.html)", "/a/deep"]
    index.run(connector)
    paths = {name.removeprefix(site.root) for name in index.versions}
    # What only the broken page might lead to is not known, so that nothing unseen is removed;
    # the page that says it is gone is.
    assert paths == {"/", "/a", "/b.html", "/a/deep"}
    assert connector.skipped["gone"] == 1
    assert not connector.covers(site.url("/unseen"))


def test_unchanged_pages_of_a_crawl_cost_one_conditional_request(
    site: Site, tmp_path: Path
) -> None:
    tree(site, etag='"1"')
    index = Index()

    def crawl() -> WebConnector:
        return web(site, crawl=True, known=index.versions.get, cache=tmp_path / "cache")

    index.run(crawl())
    site.forget()
    index.run(crawl())
    assert index.loaded == []
    unasked = {"/robots.txt", "/private/x"}
    assert [status for path, status in site.statuses if path not in unasked] == [304] * 5
    assert len(index.versions) == 5

    # The links of unchanged pages are followed: a page behind them that changed is seen.
    site.page("/a/deep/er", "Changed", "/new", etag='"2"')
    site.page("/new", "New")
    index.run(web(site, crawl=True, depth=4, known=index.versions.get, cache=tmp_path / "cache"))
    assert index.loaded == [site.url("/a/deep/er"), site.url("/new")]

    # Without what was kept, pages with links are fetched whole, and nothing else changes.
    (tmp_path / "cache" / "web.db").write_bytes(b"damaged")
    site.forget()
    index.run(crawl())
    assert index.loaded == []
    assert ("/", 200) in site.statuses


def test_links_of_another_version_are_not_followed(site: Site, tmp_path: Path) -> None:
    """A run that was killed kept links of a version that the index never got."""
    site.page("/", "Start", "/a", etag='"1"')
    site.page("/a", "Page a")
    index = Index()
    index.run(web(site, crawl=True, known=index.versions.get, cache=tmp_path))
    site.page("/", "Start", "/b", etag='"2"')
    site.page("/b", "Page b")
    killed = web(site, crawl=True, known=index.versions.get, cache=tmp_path).items()
    next(killed)
    killed.close()  # type: ignore[attr-defined]
    index.run(web(site, crawl=True, known=index.versions.get, cache=tmp_path))
    assert {name.removeprefix(site.root) for name in index.versions} == {"/", "/b"}


def test_copies_are_one_document(site: Site, tmp_path: Path) -> None:
    canonical = '<link rel="canonical" href="/real">'
    site.page("/", "Start", "/copy?utm_source=x", "/slash", "/slash/", "/moved")
    site.page("/copy?utm_source=x", "Real", head=canonical, etag='"c"')
    site.page("/real", "Real", head=canonical, etag='"r"')
    site.page("/slash", "Slash", etag='"s"')
    site.page("/slash/", "Slash", etag='"s2"')
    site.redirect("/moved", "/slash")
    index = Index()
    for _ in range(2):
        site.forget()
        connector = web(site, crawl=True, known=index.versions.get, cache=tmp_path)
        assert names(connector) == ["/", "/slash", "/real"]
        assert connector.skipped == {"duplicate": 3}
        index.run(web(site, crawl=True, known=index.versions.get, cache=tmp_path))
    # Copies, too, are only asked whether they have changed.
    statuses = dict(site.statuses)
    assert statuses["/copy?utm_source=x"] == statuses["/slash/"] == 304
    # When the original goes, its copy takes its place.
    del site.pages["/slash"], site.pages["/moved"]
    index.run(web(site, crawl=True, known=index.versions.get, cache=tmp_path))
    assert index.loaded == [site.url("/slash/")]
    assert site.url("/slash") not in index.versions


def test_canonical_addresses_that_lie(site: Site) -> None:
    site.page("/", "Start", "/a", "/b", "/c")
    site.page("/a", "Page a", head='<link rel="canonical" href="/b">')
    site.page("/b", "Page b", head='<link rel="canonical" href="/a">')
    site.page("/c", "Page c", head='<link rel="canonical" href="/missing">')
    found = names(web(site, crawl=True))
    assert found[0] == "/"
    assert len({"/a", "/b"}.intersection(found)) == 1
    assert "/c" in found


def test_a_crawl_stays_on_its_host(site: Site) -> None:
    with serving() as other:
        other.page("/", "Other")
        site.page("/", "Start", other.url("/"), "/out")
        site.redirect("/out", other.url("/"))
        connector = web(site, crawl=True)
        assert names(connector) == ["/"]
        assert connector.skipped == {"elsewhere": 1}
        assert other.requests == []


def test_robots_rules_for_redirects_starts_and_wildcards(site: Site) -> None:
    rules = "User-agent: ragline\nDisallow: /*.cgi$\nDisallow: /hidden\nCrawl-delay: 0.01\n"
    site.pages["/robots.txt"] = Page(rules, kind="text/plain")
    site.page("/", "Start", "/x.cgi", "/jump")
    site.redirect("/jump", "/hidden")
    site.page("/hidden", "Hidden")
    connector = web(site, crawl=True)
    assert names(connector) == ["/"]
    assert "/hidden" not in site.paths
    assert connector._fetcher.delays == {f"127.0.0.1:{site.port}": 0.01}
    (failure,) = web(site, "/hidden", crawl=True).items()
    assert isinstance(failure, Failure)
    assert "says robots.txt" in failure.error
    assert names(web(site, "/hidden")) == ["/hidden"], "a page that is asked for by name"


def test_without_rules_that_can_be_read_a_site_is_left_alone(site: Site) -> None:
    site.pages["/robots.txt"] = Page("oops", 503)
    site.page("/", "Start")
    connector = web(site, crawl=True)
    (failure,) = connector.items()
    assert isinstance(failure, Failure)
    assert "its robots.txt cannot be read" in failure.error
    assert site.paths == []
    assert not connector.covers(site.url("/a"))


def test_a_site_that_goes_down_halfway(site: Site) -> None:
    paths = [f"/{number}" for number in range(20)]
    site.page("/", "Start", *paths)
    for path in paths:
        site.page(path, f"Page {path}")
    index = Index()
    index.run(web(site, crawl=True, known=index.versions.get))
    assert len(index.versions) == 21

    def down(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.close()

    for path in paths[5:]:
        site.pages[path] = down
    connector = web(site, crawl=True, known=index.versions.get)
    found = list(connector.items())
    failed = [one for one in found if isinstance(one, Failure)]
    assert [one.source for one in failed] == [*(site.url(f"/{n}") for n in (5, 6, 7)), site.root]
    assert "stopped answering: 12 known pages were not visited" in failed[-1].error
    index.run(connector)
    assert len(index.versions) == 21, "nothing is removed"


@pytest.mark.parametrize("rules", ["", "User-agent: *\nDisallow: /"])
def test_a_start_that_is_gone_or_forbidden_removes_nothing(site: Site, rules: str) -> None:
    if rules:
        site.page("/", "Start", "/a")
        site.pages["/robots.txt"] = Page(rules, kind="text/plain")
    connector = web(site, crawl=True)
    assert names(connector) == ["(/)"]
    assert not connector.covers(site.url("/a"))


def test_a_list_of_pages_of_a_host_that_is_down(site: Site) -> None:
    with serving() as gone:
        dead = gone.root
    site.page("/", "Page")
    urls = [*(f"{dead}/{number}" for number in range(5)), site.url("/")]
    found = list(web(site, urls=urls).items())
    assert [isinstance(one, Item) for one in found] == [False] * 5 + [True]
    assert "was not tried" in str(found[4])


def test_a_listing_that_is_broken_off_covers_what_it_saw(site: Site) -> None:
    tree(site)
    connector = web(site, crawl=True)
    items = connector.items()
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert connector.covers(site.url("/"))
    assert not connector.covers(site.url("/a"))


# Sitemaps


def sitemap(*urls: str, index: bool = False) -> str:
    outer, inner = ("sitemapindex", "sitemap") if index else ("urlset", "url")
    entries = "".join(f"<{inner}><loc> {url} </loc></{inner}>" for url in urls)
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0"?><{outer} xmlns="{space}">{entries}</{outer}>'


def test_an_index_of_sitemaps(site: Site) -> None:
    xml = "application/xml"
    nested = [site.url("/one.xml"), site.url("/two.xml.gz"), site.url("/missing.xml")]
    site.pages["/sitemap.xml"] = Page(sitemap(*nested, index=True), kind=xml)
    site.pages["/one.xml"] = Page(sitemap(site.url("/a"), "http://other.example/x"), kind=xml)
    packed = gzip.compress(sitemap(site.url("/a"), site.url("/b")).encode())
    site.pages["/two.xml.gz"] = Page(packed, kind="application/gzip")
    for path in ("/a", "/b"):
        site.page(path, f"Page {path}", "/not-listed")
    connector = web(site, "/sitemap.xml")
    assert names(connector) == ["(/missing.xml)", "/a", "/b"]
    assert connector.skipped == {"elsewhere": 1}
    assert not connector.covers(site.url("/c")), "a part of the sitemap is missing"
    site.pages["/missing.xml"] = Page(sitemap(), kind=xml)
    assert names(connector) == ["/a", "/b"]
    assert connector.covers(site.url("/c"))


def test_the_sitemaps_of_a_site_are_looked_up(site: Site) -> None:
    site.pages["/robots.txt"] = Page(f"Sitemap: {site.url('/map')}\n", kind="text/plain")
    site.pages["/map"] = Page(sitemap(site.url("/a")), kind="text/xml")
    site.pages["/sitemap.xml"] = Page(sitemap(site.url("/b")), kind="text/xml")
    for path in ("/a", "/b"):
        site.page(path, f"Page {path}")
    assert names(web(site, sitemap=True)) == ["/a"]
    del site.pages["/robots.txt"]
    assert names(web(site, sitemap=True)) == ["/b"]


def test_a_prefix_is_for_pages_and_not_for_sitemaps(site: Site) -> None:
    site.pages["/all.xml"] = Page(sitemap(site.url("/part.xml"), index=True), kind="text/xml")
    part = sitemap(site.url("/docs/a"), site.url("/news/b"))
    site.pages["/part.xml"] = Page(part, kind="text/xml")
    site.page("/docs/a", "Page a")
    connector = web(site, "/all.xml", prefix="/docs/")
    assert names(connector) == ["/docs/a"]
    assert connector.skipped == {"elsewhere": 1}
    assert connector.covers(site.url("/docs/gone"))
    assert not connector.covers(site.url("/news/gone"))


def test_xml_that_is_no_sitemap_is_a_page_and_speaks_for_no_other(site: Site) -> None:
    site.pages["/data.xml"] = Page("<notes><note>text</note></notes>", kind="text/html")
    connector = web(site, "/data.xml")
    assert names(connector) == ["/data.xml"]
    assert connector.covers(site.url("/data.xml"))
    assert not connector.covers(site.url("/other"))


def test_a_sitemap_that_is_none(site: Site) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><urlset><url><loc>&a;</loc></url></urlset>'
    bodies = {"/bomb.xml": bomb, "/cut.xml": sitemap(site.url("/a"))[:-5]}
    for path, body in bodies.items():
        site.pages[path] = Page(body, kind="application/xml")
        (failure,) = web(site, path).items()
        assert isinstance(failure, Failure)
        assert "is no sitemap" in failure.error


def test_unchanged_pages_of_a_sitemap(site: Site) -> None:
    site.pages["/sitemap.xml"] = Page(sitemap(site.url("/a"), site.url("/b")), kind="text/xml")
    site.page("/a", "Page a", etag='"a"')
    site.page("/b", "Page b", etag='"b"')
    index = Index()
    for _ in range(2):
        site.forget()
        index.run(web(site, "/sitemap.xml", known=index.versions.get))
    assert [status for path, status in site.statuses if path in {"/a", "/b"}] == [304, 304]
    assert index.loaded == []
