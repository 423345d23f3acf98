"""Text files whose offsets are kept: nothing is normalised, so that references fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rag.errors import DocumentError, SourceError
from rag.registry import load
from rag.types import Block, Document

_FORMATS = {".md": "markdown", ".txt": "text"}
SUFFIXES = tuple(_FORMATS)
_BETWEEN_PARAGRAPHS = re.compile(r"(?:\r\n?|\n)[ \t]*(?:\r\n?|\n)\s*")


def read_text(path: Path) -> str:
    """The file decoded as UTF-8 with nothing changed, its newlines and its mark included.

    Raises SourceError for a file that cannot be read and for one that is no UTF-8 text.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8"
        ) from error
    if "\0" in text:
        raise SourceError(f"{path}: holds a NUL at {text.index(chr(0))}: it is no text")
    return text


def document(path: Path) -> Document:
    """The file as a document whose text is `read_text(path)`; its id is the file's name.

    Its blocks and its title are those of its format, which is asked by its registered name.
    Where the format refuses the text or changes it, as it does with front matter and with the
    newlines of other systems, offsets would shift: then the blocks are paragraphs.
    """
    text = read_text(path)
    try:
        parsed = load("format", _FORMATS[path.suffix])().parse(text.encode("utf-8"), path.name)
    except DocumentError:
        parsed = None
    if parsed is None or parsed.text != text:
        return Document(path.name, path.name, text, blocks=tuple(_paragraphs(text)))
    return Document(path.name, path.name, text, parsed.title, parsed.blocks)


def _paragraphs(text: str) -> Iterator[Block]:
    """A block for every stretch between blank lines."""
    start = len(text) - len(text.lstrip())
    for gap in _BETWEEN_PARAGRAPHS.finditer(text, start):
        yield Block(start, gap.start())
        start = gap.end()
    if text[start:].strip():
        yield Block(start, start + len(text[start:].rstrip()))
