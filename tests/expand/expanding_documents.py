"""Documents with sections and pages, and passages in them by their words."""

from __future__ import annotations

from rag.types import Block, BlockKind, Document, Passage

SECTIONS = (
    ("Boats", 1, ("Boats",), "heading"),
    ("Boats float. They carry people. Some carry cars.", 1, ("Boats",), "paragraph"),
    ("Ferries", 1, ("Boats", "Ferries"), "heading"),
    ("The ferry leaves at nine. Dogs travel free. Cats pay.", 1, ("Boats", "Ferries"), "paragraph"),
    ("Tickets are sold aboard. Cash only.", 2, ("Boats", "Ferries"), "paragraph"),
    ("Tugs", 2, ("Boats", "Tugs"), "heading"),
    ("A tug pulls ships. It is small.", 2, ("Boats", "Tugs"), "paragraph"),
)  # fmt: skip


def sectioned() -> Document:
    text, blocks = "", []
    for part, page, headings, kind in SECTIONS:
        named: BlockKind = "heading" if kind == "heading" else "paragraph"
        blocks.append(Block(len(text), len(text) + len(part), named, page, headings))
        text += part + "\n\n"
    return Document("boats", "boats.pdf", text, "Boats", tuple(blocks))


def passage_of(document: Document, words: str, page: int | None = None) -> Passage:
    start = document.text.index(words)
    return Passage(document.id, start, start + len(words), words, document.source, page=page)
