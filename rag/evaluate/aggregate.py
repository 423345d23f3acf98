"""From ranked passages to ranked documents."""

from __future__ import annotations

from collections.abc import Sequence

from rag.types import Hit


def documents(hits: Sequence[Hit]) -> list[str]:
    """Ids of the hits' documents, best first, each once, at the rank of its best passage.

    Hits come best first, so a document's score is that of its best passage: MaxP (Dai and
    Callan, 2019, "Deeper Text Understanding for IR with Contextual Neural Language Modeling").
    """
    return list(dict.fromkeys(hit.passage.document_id for hit in hits))
