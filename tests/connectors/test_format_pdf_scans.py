from __future__ import annotations

import os
import shutil
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from printed import PROSE, blank, image_of, paged, parse, scan

from rag.connectors.files import FilesConnector
from rag.connectors.formats.pdf import PdfFormat
from rag.connectors.formats.printed import recognition
from rag.connectors.formats.printed.scans import Scans
from rag.errors import DocumentError
from rag.types import Item

needs_tesseract = pytest.mark.skipif(
    find_spec("pytesseract") is None or shutil.which("tesseract") is None,
    reason="needs the extra 'ocr' and tesseract (apt install tesseract-ocr)",
)
NOTICE = "Harbour notice\n\nThe ferry to Skerrin leaves at nine in the morning.\n"


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "_PACKAGE", "a_package_that_nobody_has")


@pytest.fixture
def without_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if find_spec("pytesseract") is None:
        pytest.skip("needs the extra 'ocr'")
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("without_extra")
def test_pages_without_text_are_told_and_the_others_kept() -> None:
    pdf = blank()
    for number in range(1, 10):
        if number in {3, 7, 8, 9}:
            scan(pdf, NOTICE)
        else:
            pdf.add_page()
            pdf.text(50, 60 + number, f"{PROSE[: 10 * number]}stands here.")
    parsed = parse(pdf)
    assert parsed.metadata["scanned_pages"] == "3, 7-9"
    assert parsed.metadata["pages"] == 9
    assert "ocr_pages" not in parsed.metadata
    assert {block.page for block in parsed.blocks} == {1, 2, 4, 5, 6}


@pytest.mark.usefixtures("without_extra")
def test_a_file_of_scans_names_the_extra() -> None:
    pdf = blank()
    for _ in range(2):
        scan(pdf, NOTICE)
    with pytest.raises(DocumentError) as caught:
        parse(pdf)
    assert str(caught.value) == (
        "its 2 pages are scanned images without text; install the extra 'ocr' "
        "(pip install 'ragline[ocr]') and tesseract to read them"
    )


@pytest.mark.usefixtures("without_program")
def test_the_extra_without_the_program_names_the_program() -> None:
    pdf = blank()
    scan(pdf, NOTICE)
    with pytest.raises(DocumentError) as caught:
        parse(pdf)
    assert str(caught.value) == (
        "its page is a scanned image without text; install tesseract "
        "(apt install tesseract-ocr) to read it"
    )
    assert PdfFormat().version == 4


@pytest.mark.usefixtures("without_extra")
def test_a_stamp_on_every_page_does_not_make_it_text() -> None:
    pdf = blank()
    for number in range(4):
        scan(pdf, NOTICE)
        pdf.text(400, 830, f"HARBOUR-{number:05}")
    with pytest.raises(DocumentError, match="its 4 pages are scanned images"):
        parse(pdf)


@pytest.mark.usefixtures("without_extra")
def test_blank_pages_are_no_scans() -> None:
    pdf = paged("The first page has text.", "", "")
    pdf.rect(10, 10, 50, 50)
    assert "scanned_pages" not in parse(pdf).metadata
    with pytest.raises(
        DocumentError, match="has no text: its pages show neither text nor an image"
    ):
        parse(paged("", ""))


@needs_tesseract
def test_scanned_pages_are_recognised() -> None:
    pdf = paged("The first page has text of its own.")
    scan(pdf, NOTICE)
    scan(pdf, "The keeper lights the lamp at dusk, and puts it out at dawn.")
    parsed = parse(pdf)
    assert parsed.metadata["ocr_pages"] == "2-3"
    assert "scanned_pages" not in parsed.metadata
    pages = {block.page: parsed.text[block.start : block.end] for block in parsed.blocks}
    assert "The ferry to Skerrin leaves at nine in the morning." in pages[2]
    assert "keeper lights the lamp at dusk" in pages[3]


@needs_tesseract
def test_pages_that_time_leaves_unread_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pdf = paged("The first page has text of its own.")
    for _ in range(3):
        scan(pdf, NOTICE)
    monkeypatch.setattr("rag.connectors.formats.pdf._SECONDS", 0.01)
    started = time.monotonic()
    parsed = parse(pdf)
    assert parsed.metadata["scanned_pages"] == "2-4"
    assert "ocr_pages" not in parsed.metadata
    assert time.monotonic() - started < 10
    pages = blank()
    scan(pages, NOTICE)
    with pytest.raises(DocumentError, match=r"image, and no text was recognised in time; split it"):
        parse(pages)


@needs_tesseract
def test_a_page_without_anything_to_recognise_stays_a_scan() -> None:
    pdf = blank()
    pdf.add_page()
    pdf.image(image_of(""), 0, 0, pdf.w, pdf.h)
    with pytest.raises(DocumentError, match="scanned image, and no text was recognised in it"):
        parse(pdf)


@needs_tesseract
def test_tables_in_scans() -> None:
    pdf = blank()
    pdf.add_page()
    for number, row in enumerate((("Port", "Harbour fee"), ("Aln", "150"), ("Skerrin", "210"))):
        for x, cell in zip((80, 330), row, strict=True):
            pdf.text(x, 80 + 24 * number, cell)
    import pypdfium2

    document = pypdfium2.PdfDocument(bytes(pdf.output()))
    image = document[0].render(scale=3).to_pil()
    document.close()
    scanned = blank()
    scanned.add_page()
    scanned.image(image, 0, 0, scanned.w, scanned.h)
    assert parse(scanned).text == "Port | Harbour fee\nAln | 150\nSkerrin | 210"


@needs_tesseract
def test_a_language_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(recognition.LANGUAGES_VARIABLE, "qqq")
    pdf = blank()
    scan(pdf, NOTICE)
    with pytest.raises(DocumentError, match=r"^tesseract cannot recognise 'qqq'.*has: .*eng"):
        parse(pdf)


@needs_tesseract
def test_what_is_installed_is_part_of_a_files_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pdf").write_bytes(bytes(paged("Text.").output()))
    os.utime(tmp_path / "a.pdf", (0, 0))  # a file that has just changed has no version yet
    able = version(tmp_path)
    assert all(recognition.languages().split("+"))
    monkeypatch.setenv(recognition.LANGUAGES_VARIABLE, "deu")
    german = version(tmp_path)
    monkeypatch.setattr(recognition, "_PACKAGE", "a_package_that_nobody_has")
    assert len({able, german, version(tmp_path)}) == 3


def version(folder: Path) -> str:
    (item,) = FilesConnector(paths=[folder]).items()
    assert isinstance(item, Item)
    return item.version


@pytest.mark.parametrize(
    ("pages", "shown"),
    [((3,), "3"), ((3, 7, 8, 9), "3, 7-9"), ((1, 2), "1-2"), ((2, 4), "2, 4")],
)
def test_ranges_of_pages(pages: tuple[int, ...], shown: str) -> None:
    assert Scans(unread=pages).metadata == {"scanned_pages": shown}
    assert Scans(read=pages).metadata == {"ocr_pages": shown}
