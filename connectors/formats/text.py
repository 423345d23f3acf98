"""Plain text: blank lines part its paragraphs."""

from __future__ import annotations

from rag.connectors.formats.blocks import paragraphs
from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed
from rag.types import Block


class TextFormat:
    """Plain text in UTF-8, in UTF-16 with its mark, or in Windows-1252."""

    name = "text"
    extensions: tuple[str, ...] = (".txt", ".text", ".log")
    media_types: tuple[str, ...] = ("text/plain",)
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """The text as it is, one block for each paragraph."""
        decoded = decode(data, self.name)
        text = decoded.text
        blocks = tuple(Block(start, end) for start, end in paragraphs(text, 0, len(text)))
        return Parsed(text, blocks=blocks, metadata=decoded.metadata)
