"""Which fields of a row are what: its id, its text, its title, its metadata."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from rag.connectors.formats.blocks import paragraphs
from rag.connectors.formats.decoding import clean
from rag.connectors.names import printable
from rag.connectors.rows.row import Row
from rag.connectors.rows.values import as_text, fields_of, is_bytes, scalar, value_at
from rag.errors import DocumentError
from rag.types import Block, Document, Scalar

DEFAULT_TITLE = "title"
_VERSION = "1"  # grows whenever the same row comes to be read differently
_SHOWN = 12
_LONGEST = 40  # characters of a name in a message


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of fields, dotted where they lie inside another. `metadata` None takes all others.

    Several text fields are put together in their order. The title is taken where there is one.
    """

    text: tuple[str, ...]
    id: str = ""
    title: str = DEFAULT_TITLE
    version: str = ""
    metadata: tuple[str, ...] | None = None

    @property
    def fingerprint(self) -> str:
        """Equal where the same row makes the same document."""
        names = repr((_VERSION, self.text, self.title, self.metadata))
        return hashlib.blake2b(names.encode(), digest_size=8).hexdigest()

    @property
    def named(self) -> tuple[str, ...]:
        """The fields that must be there; the title only where it is not the usual one."""
        title = () if self.title == DEFAULT_TITLE else (self.title,)
        return tuple(name for name in (self.id, *self.text, *title, self.version) if name)

    def key(self, row: Row) -> str:
        """The id of `row`. Raises DocumentError where it has none."""
        value = value_at(row, self.id)
        if value is None:
            raise DocumentError(f"has no id: {_missing(row, self.id)}")
        if isinstance(value, str):
            told: Scalar | None = str(value)
        else:
            told = None if isinstance(value, list | tuple) else scalar(value)
        if told is None or told == "":
            raise DocumentError(f"has no id: field '{self.id}' holds {_kind(value)}")
        return str(told)

    def stamp(self, row: Row) -> str | None:
        """The version that the row tells of itself; None where it tells none."""
        told = scalar(value_at(row, self.version)) if self.version else None
        return None if told is None else f"{told}~{self.fingerprint}"

    def document(self, row: Row, source: str) -> Document:
        """The document that `row` is. Raises DocumentError where it has no text."""
        title = " ".join(as_text(value_at(row, self.title), self.title).split())
        parts = [(name, as_text(value_at(row, name), name).strip("\n")) for name in self.text]
        text, blocks = _put_together([(name, part) for name, part in parts if part.strip()])
        if not text:
            raise DocumentError(_empty(row, self.text))
        return Document(source, source, text, title, blocks, self._metadata(row))

    def binary(self, row: Row) -> list[str]:
        """The fields whose bytes are left out of the metadata."""
        return [name for name, value in self._others(row) if is_bytes(value)]

    def _metadata(self, row: Row) -> dict[str, Scalar]:
        told = ((clean(name), scalar(value)) for name, value in self._others(row))
        return {name: value for name, value in told if value is not None}

    def _others(self, row: Row) -> list[tuple[str, object]]:
        if self.metadata is not None:
            return [(name, value_at(row, name)) for name in self.metadata]
        used = {self.id, self.title, *self.text}
        return [(name, value) for name, value in fields_of(row) if name not in used]


def taken_twice(what: str, key: str) -> str:
    """One line about an id that two items have; `what` they are."""
    return f"another {what} has the same id '{printable(key)}'; make ids unique"


def as_names(given: str | Sequence[str]) -> tuple[str, ...]:
    """One name or several as a tuple."""
    return (given,) if isinstance(given, str) else tuple(given)


def listed(names: Sequence[str]) -> str:
    """Names of fields for a message, cut short."""
    shown = [f"'{printable(' '.join(name.split())[:_LONGEST])}'" for name in names[:_SHOWN]]
    return ", ".join([*shown, "..."] if len(names) > _SHOWN else shown) or "none"


def not_among(columns: Sequence[str], needed: Sequence[str]) -> str:
    """One line about fields that no column is, nor holds inside it; "" where there is none."""
    held = set(columns)
    missing = [name for name in needed if not held & {name, name.partition(".")[0]}]
    if not missing:
        return ""
    return f"has no field {listed(missing)}, but {listed(columns)}; name those that it has"


def _put_together(parts: Sequence[tuple[str, str]]) -> tuple[str, tuple[Block, ...]]:
    """The parts, a blank line between them, with a block for each paragraph.

    Where there are several, the place of a block is its field.
    """
    text = "\n\n".join(part for _, part in parts)
    blocks: list[Block] = []
    start = 0
    for name, part in parts:
        place = f"field {name}" if len(parts) > 1 else ""
        for first, last in paragraphs(text, start, start + len(part)):
            blocks.append(Block(first, last, place=place))
        start += len(part) + 2
    return text, tuple(blocks)


def _empty(row: Row, names: tuple[str, ...]) -> str:
    missing = [name for name in names if value_at(row, name) is None]
    if len(missing) == len(names):
        return f"has no text: {_missing(row, missing[0])}"
    return f"is empty: {listed(names)} holds no text"


def _missing(row: Row, name: str) -> str:
    if name in row:
        return f"field '{name}' is null"
    return f"no field '{name}' (it has: {listed([str(key) for key in row])})"


def _kind(value: object) -> str:
    if value == "":
        return "nothing"
    return f"{type(value).__name__}, not text or a number"
