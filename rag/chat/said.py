"""A server's own words about what went wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from rag.chat.settings import AGAIN

# Characters of a server's own words that are told.
_LENGTH = 160


@dataclass(frozen=True, slots=True)
class Said:
    """The words, on one line; the code and the kind of the error, where a server names them."""

    words: str
    code: str = ""
    kind: str = ""

    @property
    def passing(self) -> bool:
        """Whether another try may help, as far as code and kind tell."""
        if self.code.isdecimal():
            return int(self.code) in AGAIN
        # An account without money stays without it.
        return self.code != "insufficient_quota" and not self.kind.startswith("invalid_request")


def said_in(answer: bytes) -> Said:
    """What a server says in the body of its answer."""
    try:
        return said(json.loads(answer))
    except (ValueError, RecursionError):
        return said(answer.decode("utf-8", "replace"))


def said(record: Any) -> Said:
    """What a server says in a JSON record, as OpenAI, Ollama and others shape it."""
    code = kind = ""
    for key in ("error", "message"):
        if isinstance(record, dict):
            code = str(record.get("code") or code)
            kind = str(record.get("type") or kind)
            record = record.get(key) or record.get("detail") or record
    # A page of a proxy says nothing here, and a terminal obeys control characters.
    text = record if isinstance(record, str) and "<html" not in record.lower() else ""
    line = "".join(one for one in " ".join(text.split()) if one.isprintable())
    return Said(line, code, kind)


def shortened(line: str, most: int = _LENGTH) -> str:
    """`line`, or as much of it as is told: `most` characters."""
    return line if len(line) <= most else f"{line[: most - 3]}..."


def phrase(status: int) -> str:
    """A status of HTTP with its name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
