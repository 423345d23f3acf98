"""Every format kept in a zip archive: damaged, hostile and misnamed files are refused in a line."""

from __future__ import annotations

import io
import random
import time
import zipfile

import pytest
from block_law import spans
from office_files import FORMATS, PARTS, epub, sample, unzipped, with_part, zipped

from rag.connectors.formats.format import Format
from rag.connectors.parsing.here import parse_here
from rag.errors import DocumentError

formats = pytest.mark.parametrize("reader", FORMATS, ids=lambda reader: str(reader.name))

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
MIXED = "שלום עולם e\u0301te\u0301 \U0001f6a2\U0001d538 مرحبا \u0928\u093f"


def refused(reader: Format, data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_here(reader, data, f"a{reader.extensions[0]}")
    message = str(caught.value)
    assert "\n" not in message
    return message


@formats
def test_a_sample_is_read_with_its_heading(reader: Format) -> None:
    parsed = parse_here(reader, sample(reader.name), "a")
    texts = spans(parsed)
    assert any("The pilot boards at the buoy." in text for text in texts)
    assert parsed.blocks[0].kind == "heading"
    assert parsed.blocks[1].headings == (texts[0],)


@formats
def test_text_of_all_scripts_keeps_its_offsets(reader: Format) -> None:
    parsed = parse_here(reader, sample(reader.name, MIXED), "a")
    assert any(MIXED in text for text in spans(parsed))


@formats
def test_empty_and_blank_files(reader: Format) -> None:
    assert refused(reader, b"") == "is empty"
    assert refused(reader, b" \n") == "is empty"


@formats
def test_other_kinds_of_files_are_named(reader: Format) -> None:
    assert refused(reader, b"%PDF-1.7 x").endswith("it looks like a PDF")
    assert refused(reader, b"plain text") == f"is not {reader.name} although its name says so"
    for other in FORMATS:
        if other.name != reader.name:
            assert f"is not {reader.name} although" in refused(reader, sample(other.name))
    assert f"is not {reader.name} although" in refused(reader, zipped({"a.txt": "x"}))


@formats
def test_old_and_encrypted_office_files(reader: Format) -> None:
    word = OLE + "WordDocument".encode("utf-16-le")
    assert refused(reader, word) == "is an old Word file (.doc); save it as .docx"
    locked = OLE + "EncryptedPackage".encode("utf-16-le")
    assert refused(reader, locked).startswith("is an encrypted Office file; remove its password")


@formats
def test_encrypted_members(reader: Format) -> None:
    data = bytearray(sample(reader.name))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark)
        while place >= 0:
            data[place + at] |= 1
            place = data.find(mark, place + 4)
    assert refused(reader, bytes(data)) == "is encrypted; remove the password and index it again"


@formats
def test_files_cut_off(reader: Format) -> None:
    data = sample(reader.name)
    for share in (0.1, 0.5, 0.9, 0.99):
        assert refused(reader, data[: int(len(data) * share)]).startswith("is damaged")


@formats
def test_flipped_bytes_are_survived(reader: Format) -> None:
    """Of several hundred mutations each is read, or refused in one line, and quickly."""
    data = sample(reader.name)
    chance = random.Random(7)
    began = time.monotonic()
    outcomes = {_outcome(reader, _flipped(data, chance)) for _ in range(150)}
    assert outcomes <= {"read", "refused"}
    assert "refused" in outcomes
    assert time.monotonic() - began < 60


@formats
def test_flipped_bytes_within_the_parts_are_survived(reader: Format) -> None:
    """The same beneath the checksums: the archive is sound, its XML is not."""
    parts = unzipped(sample(reader.name))
    names = [name for name in parts if name.endswith((".xml", ".rels", ".opf", ".xhtml"))]
    chance = random.Random(11)
    outcomes = set()
    for _ in range(150):
        name = chance.choice(names)
        changed = {**parts, name: _flipped(parts[name], chance)}
        outcomes.add(_outcome(reader, zipped(changed)))
    assert outcomes <= {"read", "refused"}


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data or b" ")
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _outcome(reader: Format, data: bytes) -> str:
    try:
        spans(parse_here(reader, data, "a"))
    except DocumentError as error:
        message = str(error)
        stray = message.startswith("cannot be read as")
        return message if stray or "\n" in message else "refused"
    return "read"


@formats
def test_bombs_are_refused_before_they_expand(reader: Format) -> None:
    parts = unzipped(sample(reader.name))
    part = PARTS[reader.name]
    bomb = zipped({**parts, part: _within(parts[part], (b"<x>" + b" " * 1000 + b"</x>") * 30_000)})
    assert len(bomb) < 200_000
    assert "expands to more than" in refused(reader, bomb)


@formats
def test_more_tags_than_memory_are_refused(reader: Format) -> None:
    parts = unzipped(sample(reader.name))
    part = PARTS[reader.name]
    noise = random.Random(3).randbytes(400_000)  # so that the tags are not out of proportion
    many = zipped({**parts, part: _within(parts[part], b"<x/>" * 4_100_000), "noise": noise})
    assert "more tags than can be kept in memory" in refused(reader, many)


def _within(part: bytes, more: bytes) -> bytes:
    end = part.rindex(b"</")
    return part[:end] + more + part[end:]


@formats
def test_sizes_that_lie_are_not_believed(reader: Format) -> None:
    """A member that says it is small is cut off there, and its checksum then tells."""
    data = bytearray(sample(reader.name))
    place = data.rfind(b"PK\x01\x02")
    while place >= 0:
        data[place + 24 : place + 28] = (40).to_bytes(4, "little")
        place = data.rfind(b"PK\x01\x02", 0, place)
    assert refused(reader, bytes(data)).startswith("is damaged")


@formats
def test_entities_are_refused(reader: Format) -> None:
    lines = [f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 12)]
    bomb = f'<!DOCTYPE a [<!ENTITY x0 "lol">{"".join(lines)}]><a>&x11;</a>'
    for encoding in ("utf-8", "utf-16", "utf-32"):
        declared = f'<?xml version="1.0" encoding="{encoding}"?>{bomb}'.encode(encoding)
        parts = {**unzipped(sample(reader.name)), PARTS[reader.name]: declared}
        assert "declares XML entities" in refused(reader, zipped(parts))


@formats
def test_entities_that_name_files_are_refused(reader: Format) -> None:
    text = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    parts = {**unzipped(sample(reader.name)), PARTS[reader.name]: text.encode()}
    assert "declares XML entities" in refused(reader, zipped(parts))


@formats
def test_deep_nesting_is_refused(reader: Format) -> None:
    parts = unzipped(sample(reader.name))
    part = PARTS[reader.name]
    deep = _within(parts[part], b"<a>" * 100_000 + b"</a>" * 100_000)
    assert "Excessive depth" in refused(reader, zipped({**parts, part: deep}))


@formats
def test_missing_parts(reader: Format) -> None:
    parts = unzipped(sample(reader.name))
    del parts[PARTS[reader.name]]
    assert "missing" in refused(reader, zipped(parts))


@formats
def test_archives_within_archives_are_not_opened(reader: Format) -> None:
    data = sample(reader.name)
    for _ in range(5):
        data = zipped({**unzipped(data), "nested.zip": data})
    assert parse_here(reader, data, "a").text


def test_too_many_members() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(20_001):
            archive.writestr(str(number), "")
    assert refused(FORMATS[0], buffer.getvalue()).startswith("is an archive of more than 20,000")


def test_names_that_leave_the_archive_lead_nowhere() -> None:
    passwd = "../" * 8 + "etc/passwd"
    data = epub({"one.xhtml": "<p>one</p>"})
    data = with_part(data, "OEBPS/package.opf", lambda text: text.replace("one.xhtml", passwd))
    assert refused(FORMATS[-1], data).startswith("is damaged: etc/passwd is missing")
