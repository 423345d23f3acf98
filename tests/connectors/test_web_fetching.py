"""Fetching from a real server that behaves badly."""

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from loopback_site import Page, Site, serving

from rag.connectors.web.addresses import AddressCheck
from rag.connectors.web.exchange import Ask, Limits
from rag.connectors.web.failing import FetchError
from rag.connectors.web.fetching import Fetcher

ALLOW = ("127.0.0.1",)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as one:
        yield one


def fetcher(sleeps: list[float] | None = None, **limits: float) -> Fetcher:
    given = {"delay": 0.0, "timeout": 5.0, "page_seconds": 10.0, **limits}
    note = time.sleep if sleeps is None else sleeps.append
    return Fetcher(Limits(**given), AddressCheck(ALLOW), note)  # type: ignore[arg-type]


def fails(site: Site, path: str, **limits: float) -> str:
    one = fetcher([], **limits)
    with pytest.raises(FetchError) as caught:
        one.fetch(site.url(path))
    one.close()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_page_with_its_type_and_encoding(site: Site) -> None:
    site.pages["/"] = Page("hi", kind='Text/HTML; Charset="ISO-8859-1"', etag='"1"')
    one = fetcher()
    found = one.fetch(site.url("/"))
    one.close()
    assert (found.url, found.body) == (site.url("/"), b"hi")
    assert (found.media_type, found.charset) == ("text/html", "ISO-8859-1")
    assert site.requests[0][1]["host"] == f"127.0.0.1:{site.port}"
    assert site.requests[0][1]["accept-encoding"] == "gzip"


def test_redirects_are_followed_to_the_end(site: Site) -> None:
    site.redirect("/a", "/b?x=1", 301)
    site.redirect("/b?x=1", site.url("/c#part"), 308)
    site.page("/c", "there")
    one = fetcher()
    assert one.fetch(site.url("/a")).url == site.url("/c")
    one.close()


def test_redirects_that_lead_nowhere(site: Site) -> None:
    site.redirect("/loop", "/loop")
    site.redirect("/file", "file:///etc/passwd")
    site.pages["/none"] = Page(status=302)
    assert fails(site, "/loop") == "redirects more than 10 times"
    assert len(site.paths) == 11
    assert "no http or https address" in fails(site, "/file")
    assert "no http or https address" in fails(site, "/none")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "2130706433", "0x7f.1", "[::1]"])
def test_a_redirect_to_a_private_host_that_is_not_allowed(site: Site, host: str) -> None:
    site.redirect("/out", f"http://{host}:{site.port}/secret")
    site.page("/secret", "secret")
    told = fails(site, "/out")
    assert "private or reserved" in told
    assert site.paths == ["/out"]


def test_redirects_and_validators_beyond_ascii(site: Site) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write("HTTP/1.1 302 Found\r\nLocation: /häfen\r\n".encode())
        handler.wfile.write(b"Content-Length: 0\r\n\r\n")

    site.pages["/"] = answer
    site.pages["/h%C3%A4fen"] = Page("there", etag='"ü"')
    one = fetcher()
    found = one.fetch(site.url("/"))
    assert found.url == site.url("/h%C3%A4fen")
    again = one.fetch(found.url, Ask(conditions=lambda _: {"If-None-Match": found.headers["etag"]}))
    one.close()
    assert again.unchanged


def test_a_login_is_not_sent_to_another_host(site: Site) -> None:
    with serving() as other:
        other.page("/", "there")
        site.redirect("/", other.url("/"))
        one = fetcher()
        one.logins[site.root] = "Basic secret"
        one.fetch(site.url("/"))
        one.close()
        assert site.requests[0][1]["authorization"] == "Basic secret"
        assert "authorization" not in other.requests[0][1]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_given_the_time_it_asks_for(site: Site, status: int) -> None:
    answers = iter([Page("busy", status, {"Retry-After": "7"}), Page("busy", status), Page("ok")])
    site.pages["/"] = lambda handler: site._send(handler, page := next(answers), page.status)
    sleeps: list[float] = []
    one = fetcher(sleeps)
    assert one.fetch(site.url("/")).body == b"ok"
    one.close()
    assert sleeps == [7.0, 2.0]


def test_retry_after_may_be_a_date(site: Site) -> None:
    soon = Page("busy", 503, {"Retry-After": formatdate(time.time() + 30, usegmt=True)})
    past = Page("busy", 503, {"Retry-After": formatdate(time.time() - 30, usegmt=True)})
    answers = iter([soon, past, Page("ok")])
    site.pages["/"] = lambda handler: site._send(handler, page := next(answers), page.status)
    sleeps: list[float] = []
    one = fetcher(sleeps)
    one.fetch(site.url("/"))
    one.close()
    assert sleeps[0] == pytest.approx(29, abs=2)
    assert sleeps[1] == 0


def test_a_server_that_stays_busy_is_left_after_some_tries(site: Site) -> None:
    site.pages["/"] = Page("busy", 429)
    assert "429 Too Many Requests; it asks for fewer requests" in fails(site, "/", retries=2)
    assert len(site.paths) == 3
    site.pages["/"] = Page("busy", 503, {"Retry-After": "86400"})
    assert "asks to wait 86,400 seconds, more than max_wait = 120" in fails(site, "/")
    site.pages["/"] = Page("busy", 503, {"Retry-After": "soon, I promise"})
    assert "503" in fails(site, "/", retries=1)


def test_statuses_are_told_with_what_to_do(site: Site) -> None:
    assert fails(site, "/missing") == "answered 404 Not Found; check the address"
    site.pages["/"] = Page("broken", 500)
    assert fails(site, "/") == "answered 500 Internal Server Error; run again later"
    site.pages["/"] = Page("odd", 799)
    assert "799" in fails(site, "/")


def test_a_body_that_never_ends_is_cut_off(site: Site) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)

    site.pages["/"] = endless
    started = time.monotonic()
    assert "more than max_bytes = 1,000,000" in fails(site, "/", max_bytes=1_000_000)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("in_headers", [False, True])
def test_what_drips_is_cut_off_by_the_clock(site: Site, in_headers: bool) -> None:
    """Each byte comes well within the timeout, and the page would take for ever."""

    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"X-Long: " if in_headers else b"\r\n"))
        while True:
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    site.pages["/"] = dripping
    started = time.monotonic()
    assert "took too long" in fails(site, "/", page_seconds=0.5)
    assert time.monotonic() - started < 3


def test_a_server_that_says_nothing_times_out(site: Site) -> None:
    site.pages["/"] = lambda handler: time.sleep(1.5)
    assert "took too long (timeout = 0.3 s" in fails(site, "/", timeout=0.3)


def test_a_body_that_is_shorter_than_announced_is_no_page(site: Site) -> None:
    def short(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half a page")
        handler.close_connection = True

    site.pages["/"] = short
    assert "broke off" in fails(site, "/")


def test_compressed_bodies(site: Site) -> None:
    text = b"some text " * 1000
    packed = {"gzip": gzip.compress(text[:100]) + gzip.compress(text[100:])}
    packed["deflate"] = zlib.compress(text)
    for coding, body in packed.items():
        site.pages["/"] = Page(body, headers={"Content-Encoding": coding})
        one = fetcher()
        assert one.fetch(site.url("/")).body == text
        one.close()


def test_a_gzip_bomb_is_not_expanded(site: Site) -> None:
    bomb = gzip.compress(gzip.compress(bytes(200_000_000)))
    assert len(bomb) < 10_000
    site.pages["/"] = Page(gzip.decompress(bomb), headers={"Content-Encoding": "gzip"})
    assert "more than max_bytes = 1,000,000" in fails(site, "/", max_bytes=1_000_000)


@pytest.mark.parametrize(
    ("coding", "body", "told"),
    [
        ("gzip", b"not compressed", "damaged"),
        ("gzip", gzip.compress(b"x" * 1000, mtime=0)[:-10], "ends too early"),
        ("br", b"\x0b\x02", "compressed as 'br', which was not asked for"),
    ],
)
def test_bad_compression(site: Site, coding: str, body: bytes, told: str) -> None:
    site.pages["/"] = Page(body, headers={"Content-Encoding": coding})
    assert told in fails(site, "/")


def test_what_speaks_no_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def chat() -> None:
            for _ in range(2):
                peer, _address = server.accept()
                with peer:
                    peer.recv(1000)
                    peer.sendall(b"220 mail.example ESMTP ready\r\n")

        thread = threading.Thread(target=chat)
        thread.start()
        one = fetcher([])
        with pytest.raises(FetchError, match="does not speak HTTP"):
            one.fetch(f"http://127.0.0.1:{server.getsockname()[1]}/")
        one.close()
        thread.join()


def test_nobody_at_home() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    one = fetcher([])
    with pytest.raises(FetchError, match=r"cannot be reached: .*; run again later") as caught:
        one.fetch(f"http://127.0.0.1:{port}/")
    assert caught.value.down


def test_a_pause_between_two_requests_to_a_host(site: Site) -> None:
    site.page("/", "hi")
    sleeps: list[float] = []
    one = fetcher(sleeps, delay=3)
    for _ in range(2):
        one.fetch(site.url("/"))
    one.close()
    assert len(sleeps) == 1
    assert sleeps[0] == pytest.approx(3, abs=0.5)


def test_a_body_that_is_not_wanted_is_not_read(site: Site) -> None:
    site.pages["/"] = Page(b"x" * 1000, kind="image/png")
    one = fetcher()
    found = one.fetch(site.url("/"), Ask(takes=lambda url, kind: kind == "text/html"))
    one.close()
    assert (found.body, found.media_type) == (b"", "image/png")


def test_connections_are_kept_open(site: Site) -> None:
    ports: set[object] = set()

    def note(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address)
        site._send(handler, Page("ok", etag='"1"'), 200)

    site.pages["/"] = note
    one = fetcher()
    for _ in range(3):
        one.fetch(site.url("/"))
    one.close()
    assert len(ports) == 1


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A self-signed certificate for `harbour.example` with its key; trusted in this test."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl to make a certificate")
    key, found = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=x", "-addext", "subjectAltName=DNS:harbour.example"]
    files = ["-keyout", str(key), "-out", str(found)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(found))
    found.write_text(found.read_text() + key.read_text())
    return found


def test_tls_is_for_the_name_though_the_address_was_checked(certificate: Path) -> None:
    """The certificate is verified for the host that was asked for, not for its address."""
    named: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: named.append(name)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                peer, _address = server.accept()
                with suppress(OSError), context.wrap_socket(peer, server_side=True) as secure:
                    secure.recv(10_000)
                    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        names = ("harbour.example", "other.example")
        check = AddressCheck(names, lambda host, port: ["127.0.0.1"])
        one = Fetcher(Limits(delay=0, timeout=5), check)
        assert one.fetch(f"https://harbour.example:{port}/").body == b"hi"
        with pytest.raises(FetchError, match=r"cannot be reached: .*certificate"):
            one.fetch(f"https://other.example:{port}/")
        one.close()
        thread.join()
    assert named == list(names)
