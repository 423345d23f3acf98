"""Office files from before 2007: refused with a word on what to do, rather than passed over."""

from __future__ import annotations

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.signature import looks_like, old_office
from rag.errors import DocumentError


class LegacyOfficeFormat:
    """Word, Excel and PowerPoint as they were until 2007: not read, but reported as such."""

    name = "old Office"
    extensions: tuple[str, ...] = (".doc", ".dot", ".xls", ".xlt", ".ppt", ".pps", ".pot")
    media_types: tuple[str, ...] = (
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
    )
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """Always raises DocumentError, which says what the file is."""
        if old := old_office(data):
            raise DocumentError(f"is {old}")
        found = looks_like(data) or "something else"
        raise DocumentError(
            f"is not an old Office file although its name says so: it looks like {found}; "
            "give it the extension of what it is"
        )
