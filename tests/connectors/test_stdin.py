import io
import sys
from pathlib import Path
from typing import Any

import pytest

from rag import registry
from rag.connectors.stdin import StdinConnector
from rag.errors import DocumentError, SourceError
from rag.sources import open_sources
from rag.types import Failure, Item


class Piped(io.TextIOWrapper):
    """Standard input at the end of a pipe."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes, **options: Any) -> StdinConnector:
    monkeypatch.setattr(sys, "stdin", Piped(data))
    return StdinConnector(**options)


def only(connector: StdinConnector) -> Item:
    (item,) = connector.items()
    assert isinstance(item, Item)
    return item


def test_it_is_registered_and_a_dash_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.load("connector", "stdin") is StdinConnector
    piped(monkeypatch, b"Some text.")
    connector = open_sources(["-"], base=Path.cwd())
    assert isinstance(connector, StdinConnector)
    item = only(connector)
    assert (item.id, item.size, item.load().text) == ("stdin:stdin", 10, "Some text.")


def test_it_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    connector = piped(monkeypatch, b"Some text.")
    first, second = only(connector), only(connector)
    assert first.version == second.version
    assert first.load().content_hash == second.load().content_hash == first.load().content_hash
    assert connector.covers(first.source) and not connector.covers("stdin:other")


def test_the_version_follows_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = [only(piped(monkeypatch, data)).version for data in (b"one", b"one", b"two")]
    assert versions[0] == versions[1] != versions[2]


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"# Heading", "notes.md", "markdown"),
        (b"a,b\n1,2", "x/table.CSV", "csv"),
        (b"# Heading", "stdin", "text"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><p>Word.", "stdin", "html"),
        (b"<html><body>Word.</body></html>", "page", "html"),
        (b"<htmlish> is no tag", "stdin", "text"),
    ],
)
def test_the_name_or_else_the_content_decides_the_format(
    monkeypatch: pytest.MonkeyPatch, data: bytes, name: str, kind: str
) -> None:
    document = only(piped(monkeypatch, data, name=name)).load()
    assert document.metadata["format"] == kind
    assert document.source == f"stdin:{name}"


def test_a_pdf_is_told_by_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    from fpdf import FPDF

    page = FPDF()
    page.add_page()
    page.set_font("helvetica")
    page.cell(text="Port fees")
    document = only(piped(monkeypatch, bytes(page.output()))).load()
    assert "Port fees" in document.text and document.metadata["format"] == "pdf"


def test_what_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"'x\.exe': no format reads '\.exe' .*markdown"):
        StdinConnector(name="x.exe")
    for data in (b"", b"\0\1"):
        with pytest.raises(DocumentError):
            only(piped(monkeypatch, data)).load()
    (failure,) = piped(monkeypatch, b"x" * 11, max_bytes=10).items()
    assert isinstance(failure, Failure) and "max_bytes" in failure.error
    assert only(piped(monkeypatch, b"x" * 10, max_bytes=10)).size == 10


def test_a_terminal_and_a_closed_input(monkeypatch: pytest.MonkeyPatch) -> None:
    connector = piped(monkeypatch, b"x")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    with pytest.raises(SourceError, match="is a terminal; pipe a document into it"):
        list(connector.items())
    sys.stdin.close()
    with pytest.raises(SourceError, match="is closed"):
        list(connector.items())
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="is closed"):
        list(connector.items())
