from __future__ import annotations

import io
import zipfile

import pytest
from office_files import zipped

from rag.connectors.formats.zipped import container, part
from rag.connectors.formats.zipped.container import Container
from rag.errors import DocumentError


def test_members_are_found_whatever_their_case_and_slashes() -> None:
    opened = Container(zipped({"Word\\Document.XML": "x"}), "DOCX")
    assert opened.read("/word/document.xml") == b"x"
    assert "word/document.xml" in opened
    assert "word" not in opened


def test_all_that_is_read_counts_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "LARGEST_TOTAL", 1000)
    opened = Container(zipped({"a": "x" * 600, "b": "x" * 600}), "DOCX")
    assert len(opened.read("a")) == 600
    with pytest.raises(DocumentError, match=r"expands to more than 1,000 bytes \(b\)"):
        opened.read("b")


def test_a_member_has_a_limit_of_its_own() -> None:
    opened = Container(zipped({"a": "x" * 600}), "DOCX")
    with pytest.raises(DocumentError, match="expands to more than 500 bytes"):
        opened.read("a", 500)


def test_proportion_counts_from_sixteen_megabytes_on() -> None:
    data = zipped({"a": b"x" * 15_900_000, "b": b"x" * 16_100_000})
    assert len(Container(data, "DOCX").read("a")) == 15_900_000
    with pytest.raises(DocumentError, match="expands to more than 16,000,000 bytes"):
        Container(data, "DOCX").read("b")


def test_members_packed_by_other_methods_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", "x")
    with pytest.raises(DocumentError, match=r"packed in a way that is not read \(a\)"):
        Container(buffer.getvalue(), "DOCX").read("a")


def test_a_wrong_checksum_is_damage() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", "hello")
    data = buffer.getvalue().replace(b"hello", b"hallo")
    with pytest.raises(DocumentError, match="is damaged: a: Bad CRC-32"):
        Container(data, "DOCX").read("a")


def test_elements_that_were_freed_are_gone() -> None:
    rows = "".join(f"<row><c>{number}</c></row>" for number in range(50_000))
    opened = Container(zipped({"a.xml": f"<sheet>{rows}</sheet>"}), "XLSX")
    stream = part.Stream(opened, "a.xml", ("row",))
    seen = 0
    for element in stream:
        seen += 1
        parent = element.getparent()
        stream.free(element)
        assert len(parent) < 10_000  # no more than one piece of the member
    assert seen == 50_000


def test_entities_split_between_two_pieces_are_met() -> None:
    for padding in range(65_520, 65_540):
        text = f"<!DOCTYPE a [<!--{' ' * padding}--><!ENTITY x 'y'>]><a/>"
        with pytest.raises(DocumentError, match="declares XML entities"):
            part.tree(Container(zipped({"a.xml": text}), "DOCX"), "a.xml")


def test_tidy_lines() -> None:
    assert part.tidy(" a \t b \r\n\n c\0 \ud800") == "a b\nc"
