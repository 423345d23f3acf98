"""ragline: point it at documents, ask questions, get answers that show where they come from.

    from rag import Rag

    rag = Rag.open(".rag")
    rag.index("docs")
    print(rag.ask("How long is the notice period?").text)

Importing this package is cheap: nothing heavy is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.errors import RagError as RagError
    from rag.rag import Rag as Rag
    from rag.types import AllOf as AllOf
    from rag.types import Answer as Answer
    from rag.types import AnyOf as AnyOf
    from rag.types import Citation as Citation
    from rag.types import Condition as Condition
    from rag.types import Delta as Delta
    from rag.types import Document as Document
    from rag.types import Hit as Hit
    from rag.types import Not as Not
    from rag.types import Passage as Passage
    from rag.types import Query as Query
    from rag.types import Ranking as Ranking
    from rag.types import Statement as Statement
    from rag.types import Turn as Turn
    from rag.types import Unanswered as Unanswered

_HOMES = {
    "Rag": "rag.rag",
    "RagError": "rag.errors",
    **dict.fromkeys(
        (
            "AllOf",
            "Answer",
            "AnyOf",
            "Citation",
            "Condition",
            "Delta",
            "Document",
            "Hit",
            "Not",
            "Passage",
            "Query",
            "Ranking",
            "Statement",
            "Turn",
            "Unanswered",
        ),
        "rag.types",
    ),
}

__all__ = [
    "AllOf",
    "Answer",
    "AnyOf",
    "Citation",
    "Condition",
    "Delta",
    "Document",
    "Hit",
    "Not",
    "Passage",
    "Query",
    "Rag",
    "RagError",
    "Ranking",
    "Statement",
    "Turn",
    "Unanswered",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'rag' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
