"""E-mail messages: headers, body, attachments, and messages made to do harm."""

from __future__ import annotations

import base64
import time
from email.message import EmailMessage

import pytest
from block_law import spans, visible

from rag import registry
from rag.connectors.formats.email import EmailFormat
from rag.connectors.formats.format import Parsed
from rag.connectors.parsing.here import parse_here
from rag.errors import DocumentError
from rag.types import Block

HEADERS = b"From: ann@example.org\nSubject: Oil\n"


def parse(data: bytes) -> Parsed:
    parsed = parse_here(EmailFormat(), data, "a.eml")
    assert visible("".join(spans(parsed))) == visible(parsed.text)
    return parsed


def refused(data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        parse(data)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200
    return str(caught.value)


def message(body: str = "The lamp needs oil.", subject: str = "Oil") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Ann <ann@example.org>", "b@example.org", subject
    made.set_content(body)
    return made


def multipart(*parts: bytes, kind: bytes = b"mixed") -> bytes:
    inside = b"".join(b"--b\n" + part + b"\n" for part in parts)
    return HEADERS + b"Content-Type: multipart/" + kind + b"; boundary=b\n\n" + inside + b"--b--\n"


def block_of(parsed: Parsed, text: str) -> Block:
    (found,) = [b for b in parsed.blocks if parsed.text[b.start : b.end] == text]
    return found


def test_it_is_registered() -> None:
    assert registry.load("format", "email") is EmailFormat


def test_headers_are_the_title_the_first_block_and_metadata() -> None:
    made = message(subject="Grüße aus Köln 🛢")
    made["Cc"], made["Date"] = "Ännchen <c@example.org>", "Sat, 21 Nov 2026 13:38:06 +0200"
    made["Message-ID"], made["In-Reply-To"] = "<1@example.org>", "<0@example.org>"
    parsed = parse(made.as_bytes())
    assert parsed.title == "Grüße aus Köln 🛢"
    assert parsed.metadata == {
        "from": "Ann <ann@example.org>",
        "to": "b@example.org",
        "cc": "Ännchen <c@example.org>",
        "date": "2026-11-21T11:38:06+00:00",
        "message_id": "1@example.org",
        "in_reply_to": "0@example.org",
    }
    first, second = spans(parsed)
    assert first.startswith("Subject: Grüße aus Köln 🛢\nFrom: Ann <ann@example.org>\nTo: b@")
    assert second == "The lamp needs oil."


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"=?utf-8?B?w5Zs?= =?iso-8859-1?q?_f=FCr?=  alle", "Öl für alle"),
        (b"=?nope-1?q?caf=C3=A9?=", "café"),
        (b"=?utf-8?B?!!!?=", "=?utf-8?B?!!!?="),
        ("Öl in UTF-8".encode(), "Öl in UTF-8"),
        ("Öl wie früher".encode("latin-1"), "Öl wie früher"),
        (b"two\n lines", "two lines"),
        (b"a\x00b", "ab"),
        (b"", ""),
    ],
)
def test_subjects_in_every_disguise(raw: bytes, told: str) -> None:
    assert parse(b"From: ann@example.org\nSubject: " + raw + b"\n\ntext").title == told


@pytest.mark.parametrize("date", ["", "soon", "99 Foo 2026", "Sat, 32 Nov 99999 25:61:00 +9999"])
def test_a_date_that_is_none_is_left_out(date: str) -> None:
    assert "date" not in parse(HEADERS + f"Date: {date}\n\ntext".encode()).metadata


def test_bodies_in_their_declared_and_undeclared_encodings() -> None:
    for charset, text in [("koi8-r", "Привет мир"), ("utf-8", "Öl"), ("shift_jis", "油の値段")]:
        kind = f"Content-Type: text/plain; charset={charset}\n\n".encode()
        assert spans(parse(HEADERS + kind + text.encode(charset)))[1] == text
    wrong = HEADERS + b"Content-Type: text/plain; charset=us-ascii\n\n"
    assert spans(parse(wrong + "Öl für Lampen".encode()))[1] == "Öl für Lampen"
    assert "encoding cannot be told" in refused(HEADERS + b"\n" + "Привет".encode("koi8-r"))
    page = HEADERS + b"Content-Type: text/html; charset=koi8-r\n\n"
    assert spans(parse(page + "<p>Привет".encode("koi8-r")))[1] == "Привет"


def test_offsets_stay_exact_for_any_script() -> None:
    text = "שלום עולם\n\ne\u0301 🛢🛢 done\n\nlast"
    parsed = parse(HEADERS + b"Content-Type: text/plain; charset=utf-8\n\n" + text.encode())
    assert spans(parsed)[1:] == ["שלום עולם", "e\u0301 🛢🛢 done", "last"]


def test_quotes_and_signature_stay_and_are_set_apart() -> None:
    body = "Yes.\n> Is there oil?\n> And wicks?\nBoth.\n\nBest\n-- \nAnn\nHarbour\n"
    parsed = parse(message(body).as_bytes())
    assert [(parsed.text[b.start : b.end], b.place) for b in parsed.blocks[1:]] == [
        ("Yes.", ""),
        ("> Is there oil?\n> And wicks?", "quoted"),
        ("Both.", ""),
        ("Best", ""),
        ("-- \nAnn\nHarbour", "signature"),
    ]


def test_plain_text_is_preferred_and_html_read_where_there_is_no_other() -> None:
    both = message()
    both.add_alternative("<p>The <b>page</b></p>", subtype="html")
    assert spans(parse(both.as_bytes()))[1:] == ["The lamp needs oil."]
    empty = message(" \n")
    empty.add_alternative("<h1>Head</h1><p>The <b>page</b></p>", subtype="html")
    assert spans(parse(empty.as_bytes()))[1:] == ["Head", "The page"]
    pictures = HEADERS + b"Content-Type: text/html\n\n<img src=x>"
    assert spans(parse(pictures)) == ["Subject: Oil\nFrom: ann@example.org"]


def test_attachments_follow_headed_by_their_names() -> None:
    made = message()
    made.add_attachment(b"Port,Fee\nAln,3\n", maintype="text", subtype="csv", filename="bücher.csv")
    made.add_attachment(
        b"# Wicks\n\nCotton.", maintype="application", subtype="octet-stream", filename="../w/a.md"
    )
    made.add_attachment(b"\x89PNG\r\n", maintype="image", subtype="png", filename="x.zzz")
    made.add_attachment(b"%PDF-1.4 no", maintype="application", subtype="pdf", filename="b.pdf")
    parsed = parse(made.as_bytes())
    assert parsed.metadata["attachments"] == "bücher.csv, a.md"
    unread = str(parsed.metadata["attachments_unread"])
    assert "x.zzz (no format reads it)" in unread and "b.pdf (" in unread
    assert block_of(parsed, "bücher.csv").kind == "heading"
    row = block_of(parsed, "Port: Aln; Fee: 3")
    assert (row.kind, row.row, row.place) == ("table", 2, "attachment bücher.csv")
    assert row.headings == ("bücher.csv",)
    assert block_of(parsed, "Cotton.").headings == ("a.md", "Wicks")


def test_an_attachment_of_either_alternative_is_kept() -> None:
    page = (
        b"Content-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: text/html\n\n<p>hi\n--c\n"
    )
    page += b"Content-Disposition: attachment; filename=a.txt\n\nattached\n--c--\n"
    parsed = parse(multipart(b"\nplain", page, kind=b"alternative"))
    assert spans(parsed)[1:] == ["plain", "a.txt", "attached"]


def test_enclosed_messages_are_sections() -> None:
    inner = message("Inside.", "Inner")
    inner.add_attachment("A note.", filename="n.txt")
    made = message()
    made.add_attachment(inner)
    made.add_attachment(inner.as_bytes(), maintype="application", subtype="x", filename="f.eml")
    disguised = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
    parsed = parse(made.as_bytes())
    places = [b.place for b in parsed.blocks if parsed.text[b.start : b.end] == "A note."]
    assert places == [
        "attachment Inner.eml, attachment n.txt",
        "attachment f.eml, attachment n.txt",
    ]
    coded = multipart(disguised + base64.encodebytes(inner.as_bytes()))
    assert "Inside." in spans(parse(coded))


def test_what_cannot_be_read_at_all_is_said() -> None:
    assert "no e-mail message" in refused(b"just some words")
    assert "no e-mail message" in refused(bytes(range(256)) * 4)
    assert "encrypted" in refused(multipart(b"\nx", kind=b"encrypted"))
    assert "encrypted" in refused(HEADERS + b"Content-Type: application/pkcs7-mime\n\nMIIB")


def test_broken_structure_loses_no_text() -> None:
    assert (
        spans(parse(HEADERS + b"Content-Type: multipart/mixed\n\nno boundary"))[1] == "no boundary"
    )
    unclosed = multipart(b"\none", b"\ntwo").replace(b"--b--", b"")
    assert spans(parse(unclosed))[1:] == ["one", "two"]
    assert "is binary" in refused(HEADERS + b"Content-Transfer-Encoding: base64\n\nThis is none")


def test_signatures_of_the_sender_are_no_attachments() -> None:
    parsed = parse(
        multipart(b"\nsigned", b"Content-Type: application/pgp-signature\n\nx", kind=b"signed")
    )
    assert spans(parsed)[1:] == ["signed"] and "attachments_unread" not in parsed.metadata


def nested(depth: int) -> bytes:
    parts = (
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)
    )
    return HEADERS + b"".join(parts) + b"\nx"


def enclosed(depth: int) -> bytes:
    data = HEADERS + b"\nx"
    for _ in range(depth):
        data = HEADERS + b"Content-Disposition: attachment; filename=a.eml\n\n" + data
    return data


@pytest.mark.parametrize(
    "data",
    [
        nested(3000),
        nested(100),
        nested(45) + b"\nx" * 2_000_000,
        multipart(*[b"\nx"] * 5000),
        HEADERS + b"Content-Type: message/rfc822\n\n" * 3000 + b"\n\nx",
    ],
    ids=["deep", "too deep", "deep and long", "many", "messages"],
)
def test_bombs_of_parts_are_refused_soon(data: bytes) -> None:
    begun = time.monotonic()
    assert "parts" in refused(data)
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    "data",
    [
        HEADERS + b"Content-Type: text/plain; " + b';"' * 1_000_000 + b"\n\nx",
        HEADERS + b"To: " + b"=?a?q?" * 200_000 + b"\n\nx",
        HEADERS + b"To: " + b"=?utf-8?q?a?= " * 100_000 + b"\n\nx",
        HEADERS + b"X-A: b\n" * 100_000 + b"\nx",
        enclosed(60),
    ],
    ids=["parameters", "encoded words", "many encoded words", "headers", "messages"],
)
def test_hostile_headers_take_no_time(data: bytes) -> None:
    begun = time.monotonic()
    parsed = parse(data)
    assert time.monotonic() - begun < 30
    assert len(parsed.text) < 100_000


def test_messages_within_messages_end_somewhere() -> None:
    parsed = parse(enclosed(60))
    assert "within 8 others" in str(parsed.metadata["attachments_unread"])
