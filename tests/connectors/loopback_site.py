"""A web site on the loopback interface, for tests: real sockets, real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

Answer: TypeAlias = "Page | Callable[[BaseHTTPRequestHandler], None]"


@dataclass
class Page:
    """An answer. With an `etag` or a `modified` date, conditional requests may get a 304."""

    body: str | bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "text/html; charset=utf-8"
    etag: str = ""
    modified: str = ""


class Site:
    """What is served, by path with query, and what was asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: dict[str, Answer] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.statuses: list[tuple[str, int]] = []

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return self.root + path

    def page(self, path: str, text: str, *links: str, **given: str) -> None:
        """Serve an HTML page of a title, a paragraph and links."""
        anchors = "".join(f'<p>See <a href="{link}">this</a> too, please.</p>' for link in links)
        head = given.pop("head", "")
        markup = f"<html><head><title>{text}</title>{head}</head><body><p>{text}</p>{anchors}"
        self.pages[path] = Page(markup, **given)  # type: ignore[arg-type]

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        self.pages[path] = Page(status=status, headers={"Location": to})

    @property
    def paths(self) -> list[str]:
        """What was asked for, without robots.txt."""
        return [path for path, _ in self.requests if path != "/robots.txt"]

    def forget(self) -> None:
        self.requests.clear()
        self.statuses.clear()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.requests.append((handler.path, headers))
        found = self.pages.get(handler.path, Page("<p>nothing here", 404))
        if not isinstance(found, Page):
            found(handler)
            return
        fresh = (found.etag and headers.get("if-none-match") == found.etag) or (
            found.modified and headers.get("if-modified-since") == found.modified
        )
        self._send(handler, found, 304 if fresh else found.status)

    def _send(self, handler: BaseHTTPRequestHandler, page: Page, status: int) -> None:
        body = page.body.encode() if isinstance(page.body, str) else page.body
        self.statuses.append((handler.path, status))
        handler.send_response(status)
        sent = {"Content-Type": page.kind, "ETag": page.etag, "Last-Modified": page.modified}
        for name, value in {**sent, **page.headers}.items():
            if value:
                handler.send_header(name, value)
        if status != 304:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if status != 304:
            handler.wfile.write(body)


@contextmanager
def serving() -> Iterator[Site]:
    """A site that is up while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def do_GET(self) -> None:
            try:
                site.answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """Clients that hang up are what these tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    site = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
