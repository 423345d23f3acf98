"""Source code: the text is the source itself, and each function and class is a block."""

from __future__ import annotations

from rag.connectors.formats.building.outline import outlined
from rag.connectors.formats.catalogue import extension
from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.program.languages import BY_EXTENSION, Language
from rag.connectors.formats.program.symbols import sections
from rag.types import Metadata

_UNKNOWN = Language("", ())


class CodeFormat:
    """Source code by function and class; without a grammar for its language, by blank lines."""

    name = "code"
    extensions: tuple[str, ...] = tuple(BY_EXTENSION)
    media_types: tuple[str, ...] = (
        "text/x-python",
        "text/javascript",
        "application/javascript",
        "application/x-sh",
    )
    version = 2

    def parse(self, data: bytes, name: str) -> Parsed:
        """The source; the place of a block is `class Walk`, `Walk.folder()` or `def parse`.

        Comments above a function are part of its block. The metadata `parser` is `lines` where
        no grammar was used: for the language, over two megabytes, beyond a thousand levels of
        brackets, or where it took too long.
        """
        decoded = decode(data, self.name)
        language = BY_EXTENSION.get(extension(name), _UNKNOWN)
        found = sections(decoded.text, language)
        metadata: Metadata = {"programming_language": language.name} if language.name else {}
        by_lines: Metadata = {"parser": "lines"} if found is None else {}
        blocks = outlined(decoded.text, found or ())
        return Parsed(
            decoded.text, blocks=blocks, metadata={**decoded.metadata, **metadata, **by_lines}
        )
