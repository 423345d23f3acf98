"""Documents built block by block, and an answerer's view of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rag.connectors.formats.blocks import table_header
from rag.protocols import Encoder
from rag.testing.memory import MemoryView
from rag.types import Answer, Block, BlockKind, Document, Hit, Passage

Part: TypeAlias = tuple[str, BlockKind, int | None, tuple[str, ...]]


class LexicalView(MemoryView):
    """An index without an encoder."""

    @property
    def encoder(self) -> Encoder | None:
        return None


def document(*parts: Part, name: str = "guide") -> Document:
    """A document of blocks: text, kind, page, headings."""
    text, blocks = "", []
    for part, kind, page, headings in parts:
        header = table_header(part) if kind == "table" else ""
        span = Block(len(text), len(text) + len(part), kind, page, headings, header=header)
        blocks.append(span)
        text += part + "\n\n"
    return Document(name, f"{name}.md", text, name.title(), tuple(blocks))


def whole(made: Document) -> Passage:
    """All of a document as one passage, placed where it starts."""
    first = made.blocks[0] if made.blocks else Block(0, 0)
    return Passage(
        made.id, 0, len(made.text), made.text, made.source, made.title, first.page, first.headings
    )


def hits(documents: Sequence[Document]) -> list[Hit]:
    """Each document as a hit, the first the best."""
    return [Hit(whole(made), 1.0 / rank) for rank, made in enumerate(documents, 1)]


def quotes(answer: Answer) -> list[str]:
    """What an answer cites, in its order."""
    return [citation.quote for citation in answer.citations]
