from __future__ import annotations

import pytest
from block_law import spans
from office_files import epub, page, zipped

from rag.connectors.formats.epub import EpubFormat
from rag.connectors.formats.format import Parsed
from rag.errors import DocumentError

CHAPTERS = {
    "cover.xhtml": "<svg><text>drawn</text></svg>",
    "one.xhtml": "<h1>Fees</h1><p>A fee is due.</p><aside><p>A note.</p></aside>",
    "one-b.xhtml": "<p>It goes on.</p>",
    "two.xhtml": "<p>No heading here.</p>",
}
NAV = (
    '<li><a href="one.xhtml">I. <b>Fees</b></a><ol><li><a href="one.xhtml#x">Sub</a></li></ol></li>'
    '<li><a href="two.xhtml">II. Pilots</a></li>'
)
NCX = (
    "<navPoint><navLabel><text>I. Fees</text></navLabel><content src='one.xhtml'/><navPoint>"
    "<navLabel><text>Sub</text></navLabel><content src='one.xhtml#x'/></navPoint></navPoint>"
    "<navPoint><navLabel><text>II. Pilots</text></navLabel><content src='two.xhtml'/></navPoint>"
)
FONTS = "http://www.idpf.org/2008/embedding"
AES = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"


def parse(data: bytes) -> Parsed:
    return EpubFormat().parse(data, "a.epub")


@pytest.mark.parametrize("contents", [{"nav": NAV}, {"ncx": NCX}])
def test_chapters_in_the_order_of_the_spine(contents: dict[str, str]) -> None:
    parsed = parse(epub(CHAPTERS, nav=contents.get("nav", ""), ncx=contents.get("ncx", "")))
    found = [
        (b.kind, b.place, b.headings, t) for b, t in zip(parsed.blocks, spans(parsed), strict=True)
    ]
    assert found == [
        ("heading", "I. Fees", ("Fees",), "Fees"),
        ("paragraph", "I. Fees", ("Fees",), "A fee is due."),
        ("paragraph", "I. Fees", ("Fees",), "A note."),
        ("paragraph", "I. Fees", ("I. Fees",), "It goes on."),
        ("paragraph", "II. Pilots", ("II. Pilots",), "No heading here."),
    ]


def test_a_book_without_a_table_of_contents() -> None:
    parsed = parse(epub(CHAPTERS))
    assert {block.place for block in parsed.blocks} == {""}
    assert parsed.blocks[-1].headings == ()


def test_what_the_book_declares() -> None:
    parsed = parse(epub(CHAPTERS))
    assert parsed.title == "Harbours"
    assert parsed.metadata == {
        "author": "Ann Odd",
        "created": "2024-03-01",
        "language_declared": "en",
    }


def test_elements_that_end_where_they_begin_swallow_nothing() -> None:
    body = '<script src="x.js"/><a id="p7"/><div class="break"/><p>One<span/> two</p><p>Three</p>'
    assert spans(parse(epub({"one.xhtml": body}))) == ["One two", "Three"]


def test_a_chapter_in_another_encoding() -> None:
    chapter = page("<p>Größe</p>").replace("utf-8", "iso-8859-1").encode("latin-1")
    parts = {"OEBPS/one.xhtml": chapter}
    assert spans(parse(_replaced(epub({"one.xhtml": "<p>x</p>"}), parts))) == ["Größe"]


def _replaced(data: bytes, parts: dict[str, bytes]) -> bytes:
    from office_files import unzipped

    return zipped({**unzipped(data), **parts})


def encryption(algorithm: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
        'xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>'
        f'<enc:EncryptionMethod Algorithm="{algorithm}"/></enc:EncryptedData></encryption>'
    )


def test_books_under_drm_are_refused() -> None:
    for more in ({"META-INF/encryption.xml": encryption(AES)}, {"META-INF/rights.xml": "<r/>"}):
        with pytest.raises(DocumentError, match="is locked by DRM; only a copy without it"):
            parse(epub(CHAPTERS, more=more))


def test_fonts_that_are_made_unusable_lock_nothing() -> None:
    more = {"META-INF/encryption.xml": encryption(FONTS)}
    assert "A fee is due." in parse(epub(CHAPTERS, more=more)).text


def test_names_with_spaces_and_folders() -> None:
    data = epub(
        {"text/part%20one.xhtml": "<p>One</p>"},
        nav='<li><a href="text/part%20one.xhtml">I</a></li>',
    )
    with pytest.raises(DocumentError, match=r"text/part one.xhtml is missing"):
        parse(data)
    parsed = parse(_replaced(data, {"OEBPS/text/part one.xhtml": page("<p>One</p>").encode()}))
    assert (parsed.text, parsed.blocks[0].place) == ("One", "I")


def test_a_chapter_that_is_no_text_is_named() -> None:
    data = _replaced(epub({"one.xhtml": "<p>x</p>"}), {"OEBPS/one.xhtml": b"\x00\x01\x02"})
    with pytest.raises(DocumentError, match=r"is damaged: OEBPS/one.xhtml is binary"):
        parse(data)
