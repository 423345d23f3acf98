"""Small documents that have what breaks components: pages, tables, scripts, runs without space."""

from __future__ import annotations

from collections.abc import Sequence

from rag.types import Block, BlockKind, Document, Passage, Scalar


def _document(
    name: str, parts: Sequence[tuple[str, BlockKind, int | None, tuple[str, ...]]]
) -> Document:
    text, blocks = "", []
    for part, kind, page, headings in parts:
        blocks.append(Block(len(text), len(text) + len(part), kind, page, headings))
        text += part + "\n\n"
    metadata: dict[str, Scalar] = {"year": 2000 + len(name), "kind": "sample"}
    return Document(name, f"{name}.txt", text, name.title(), tuple(blocks), metadata)


_ENGLISH = (
    "The lighthouse keeper climbs ninety-one steps every evening. She lights the lamp at dusk! "
    "Does the storm frighten her? It does not; storms are why she is there."
)

DOCUMENTS: tuple[Document, ...] = (
    _document(
        "lighthouse",
        [
            ("Keeping the light", "heading", 1, ("Keeping the light",)),
            (_ENGLISH, "paragraph", 1, ("Keeping the light",)),
            ("Oil is delivered on the first Monday of March.", "paragraph", 2, ("Supplies",)),
            ("item | price\nwick | 3\noil | 40", "table", 2, ("Supplies",)),
            ("def lamp():\n    return 'on'\n", "code", 3, ("Supplies",)),
        ],
    ),
    _document("ferry", [("The ferry leaves at nine. Dogs travel free.", "paragraph", None, ())]),
    _document("long", [(" ".join([_ENGLISH] * 60), "paragraph", None, ())]),
    _document("runs", [("words before " + "x" * 150 + " and " + "ab" * 4_000, "paragraph", 1, ())]),
    _document(
        "scripts",
        [
            ("東京は日本の首都です。人口は多い。" * 20, "paragraph", 1, ()),
            ("नमस्ते दुनिया। यह एक वाक्य है।", "paragraph", 1, ()),
            ("Zoë's naïve café 😀👩‍👩‍👧 cost ﬁve €uro\u00a0— ﷺ.", "paragraph", 2, ()),
        ],
    ),
    Document("plain", "plain.txt", "\ufeff \t\n no blocks at all, and space around\n\n "),
    Document("space", "space.txt", " \n\t\u00a0 "),
    Document("empty", "empty.txt", ""),
)


def passages_of(document: Document) -> list[Passage]:
    """One passage for each block of `document` that has text."""
    return [
        Passage(
            document.id,
            block.start,
            block.end,
            document.text[block.start : block.end],
            document.source,
            document.title,
            block.page,
            block.headings,
            document.metadata,
        )
        for block in document.blocks
        if document.text[block.start : block.end].strip()
    ]
