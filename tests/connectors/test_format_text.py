import codecs

import pytest
from block_law import spans, visible
from hypothesis import given
from hypothesis import strategies as st

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.text import TextFormat
from rag.errors import DocumentError


def parse(data: bytes) -> Parsed:
    return TextFormat().parse(data, "a.txt")


def test_blank_lines_part_paragraphs() -> None:
    parsed = parse(b"\n  One\nline two \n \t\nThree\n\n\n")
    assert spans(parsed) == ["One\nline two", "Three"]
    assert parsed.metadata == {}


@given(st.text())
def test_blocks_cover_every_visible_character(text: str) -> None:
    try:
        parsed = parse(text.encode("utf-8", "surrogatepass"))
    except DocumentError:
        assert "\0" in text or any("\ud800" <= c <= "\udfff" for c in text)
        return
    assert visible("".join(spans(parsed))) == visible(parsed.text)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")))
def test_content_is_not_normalised(text: str) -> None:
    assert parse(codecs.BOM_UTF8 + text.encode()).text == text


def test_newlines_are_single() -> None:
    assert parse(b"a\r\nb\rc\n").text == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_marks_tell_the_encoding(mark: bytes, codec: str) -> None:
    parsed = parse(mark + "Škerrin \U0001d538\r\n\0".encode(codec))
    assert parsed.text == "Škerrin \U0001d538\n"
    assert parsed.metadata == ({} if codec == "utf-8" else {"encoding": codec})


def test_western_bytes_are_read_and_recorded() -> None:
    parsed = parse("Café “naïve” costs 3 € a night".encode("cp1252"))
    assert parsed.text == "Café “naïve” costs 3 € a night"
    assert parsed.metadata == {"encoding": "windows-1252"}


def test_a_broken_byte_spoils_no_utf8_text() -> None:
    parsed = parse("Gebühr für Fähren, Größe äöü ".encode() + b"\xff" + b" end")
    assert parsed.text == "Gebühr für Fähren, Größe äöü \ufffd end"
    assert parsed.metadata == {"undecodable": 1}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"abc\0def", "is binary, not text"),
        (bytes(range(1, 256)) * 4, "is binary, not text"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8", "is binary, not text"),
        ("Ставка сбора в порту".encode("cp1251"), "save it as UTF-8"),  # noqa: RUF001
        (b"%PDF-1.7\n...", "it looks like a PDF"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"\x89PNG\r\n\x1a\nrest", "PNG"),
        (b"\xff\xd8\xff\xe0rest", "JPEG"),
        (b"\x7fELF\x02rest", "ELF"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(DocumentError, match=says) as caught:
        parse(data)
    assert "\n" not in str(caught.value)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", [b"word ", b" ", b"\n ", b"\t"])
def test_five_million_bytes_take_linear_time(unit: bytes) -> None:
    parsed = parse(b"x" + unit * (5_000_000 // len(unit)))
    assert parsed.blocks[0].start == 0
