"""What an index remembers of a page, in one string: enough to ask whether it has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass

from rag.connectors.formats.format import Format

_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a page: where it came from, its validators, its bytes and their reader."""

    url: str
    etag: str
    modified: str
    digest: str
    reader: str

    def __str__(self) -> str:
        return json.dumps(astuple(self), separators=(",", ":"))

    @property
    def conditions(self) -> Mapping[str, str]:
        """Headers that ask for the page unless it is still this one; {} where none can."""
        found = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in found.items() if value}

    @classmethod
    def parse(cls, text: str | None) -> Version | None:
        """The version that `text` was written from; None for anything else."""
        try:
            fields = json.loads(text or "")
        except (ValueError, RecursionError):
            return None
        whole = isinstance(fields, list) and len(fields) == _FIELDS
        return cls(*fields) if whole and all(isinstance(one, str) for one in fields) else None


def digest(data: bytes) -> str:
    """A short name of bytes, different for different ones."""
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def reader_name(reader: Format) -> str:
    """The format and its version: what the same bytes may come to be read with otherwise."""
    return f"{reader.name} {reader.version}"
