"""Passages as documents of LangChain, and documents of LangChain as passages."""

from __future__ import annotations

from langchain_core.documents import Document

from rag.interop.langchain.texts import encodable
from rag.tracefile import hit_dict
from rag.types import Hit, Passage


def as_document(rank: int, hit: Hit) -> Document:
    """The passage of a hit, with its id, its place and what every stage said of it.

    The metadata are those of the passage's document, and over them `rank`, `score`, `document`
    (its id), `source`, `title`, `start` and `end` (characters of the document), `page`, `place`,
    `headings`, `context` and `stages`, which has the rank and the score of each stage by name.
    """
    passage = hit.passage
    told = hit_dict(rank, hit)
    text = told.pop("text")
    own = {"title": passage.title, "context": passage.context}
    return Document(page_content=text, id=passage.id, metadata={**passage.metadata, **told, **own})


def as_passage(place: int, document: Document) -> Passage:
    """What a reranker reads of a document of any origin; `place` is its position, from 0.

    One of ours is the passage that it was made of; of others the text counts alone.
    """
    text, known = encodable(document.page_content), document.metadata
    name, start, end = (known.get(key) for key in ("document", "start", "end"))
    if document.id is None or document.id != f"{name}#{start}-{end}":
        return Passage(document.id or str(place), 0, len(text), text)
    return Passage(str(name), start or 0, end or 0, text, context=str(known.get("context", "")))
