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
_PDF = b"%PDF-"
_PDF_WITHIN = 1024


def is_pdf(data: bytes) -> bool:
    """Whether a PDF header lies within the first 1024 bytes, as readers of PDF accept it."""
    return _PDF in data[:_PDF_WITHIN]


def looks_like(data: bytes) -> str | None:
    """The kind of file that `data` begins as, or None where it could be text."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_PDF):
        return "a PDF"
    return next((kind for start, kind in _STARTS if data.startswith(start)), None)


def require_text(data: bytes, name: str) -> None:
    """Raise DocumentError where `data` is of a known binary kind; `name` is the format's."""
    if kind := looks_like(data):
        raise DocumentError(f"is not {name} although its name says so: it looks like {kind}")
