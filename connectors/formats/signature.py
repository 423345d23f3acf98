"""What bytes look like, whatever the file is called: the signatures that formats begin with."""

from __future__ import annotations

from rag.errors import DocumentError

_STARTS = (
    (b"PK\x03\x04", "a zip archive (or a document kept in one, such as docx)"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x7fELF", "an ELF program"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Microsoft's compound files, Office's until 2007
_IN_OLE = {
    "EncryptedPackage": "an encrypted Office file; remove its password and index it again",
    "WordDocument": "an old Word file (.doc); save it as .docx",
    "Workbook": "an old Excel file (.xls); save it as .xlsx",
    "PowerPoint Document": "an old PowerPoint file (.ppt); save it as .pptx",
    "__substg1.0_": "an Outlook message (.msg); save it as .eml",
}
_PDF = b"%PDF-"
_PDF_WITHIN = 1024


def is_pdf(data: bytes) -> bool:
    """Whether a PDF header lies within the first 1024 bytes, as readers of PDF accept it."""
    return _PDF in data[:_PDF_WITHIN]


def old_office(data: bytes) -> str | None:
    """The kind of compound file that `data` is and what to do with it; None for another file.

    Its directory names the streams within; that of the document itself comes before those of
    what is embedded in it.
    """
    if not data.startswith(_OLE):
        return None
    places = {data.find(name.encode("utf-16-le")): kind for name, kind in _IN_OLE.items()}
    places.pop(-1, None)
    return places[min(places)] if places else "an old Office file; save it in today's format"


def looks_like(data: bytes) -> str | None:
    """The kind of file that `data` begins as, or None where it could be text."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_PDF):
        return "a PDF"
    if kind := old_office(data):
        return kind
    return next((kind for start, kind in _STARTS if data.startswith(start)), None)


def require_text(data: bytes, name: str) -> None:
    """Raise DocumentError where `data` is of a known binary kind; `name` is the format's."""
    if kind := looks_like(data):
        raise DocumentError(f"is not {name} although its name says so: it looks like {kind}")
