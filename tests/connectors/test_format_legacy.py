from __future__ import annotations

import pytest

from rag.connectors.formats.legacy import LegacyOfficeFormat
from rag.connectors.formats.markdown import MarkdownFormat
from rag.errors import DocumentError

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def named(*names: str) -> bytes:
    return OLE + b"".join(name.encode("utf-16-le") + bytes(64) for name in names)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("WordDocument", "Workbook"), "is an old Word file (.doc); save it as .docx"),
        (("Workbook",), "is an old Excel file (.xls); save it as .xlsx"),
        (("PowerPoint Document",), "is an old PowerPoint file (.ppt); save it as .pptx"),
        (
            ("EncryptedPackage",),
            "is an encrypted Office file; remove its password and index it again",
        ),
        ((), "is an old Office file; save it in today's format"),
    ],
)
def test_old_files_are_told_by_what_is_in_them(names: tuple[str, ...], told: str) -> None:
    with pytest.raises(DocumentError) as caught:
        LegacyOfficeFormat().parse(named(*names), "a.doc")
    assert str(caught.value) == told


def test_what_only_has_the_name() -> None:
    with pytest.raises(DocumentError, match=r"looks like a zip archive .*give it the extension"):
        LegacyOfficeFormat().parse(b"PK\x03\x04", "a.doc")


def test_old_files_named_otherwise() -> None:
    with pytest.raises(DocumentError, match=r"is not Markdown .* an old Word file \(.doc\)"):
        MarkdownFormat().parse(named("WordDocument"), "a.md")
