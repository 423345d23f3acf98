"""A question followed through its stages, and what became of a document it was to find.

`explained` runs the question and keeps every ranking; for each hit it tells where each stage put
it (`moves`), the terms that it shares with the question (`terms`), and which rewrite found it
(`origins`). `with_expected` adds what became of documents (`expectation`, `fates`, `depths`).
"""

from rag.explaining.depths import Depth
from rag.explaining.expectation import Expected, with_expected
from rag.explaining.explanation import Explanation, Reasons, explained
from rag.explaining.fates import Fate
from rag.explaining.moves import Move
from rag.explaining.origins import Origin
from rag.explaining.terms import Term

__all__ = [
    "Depth",
    "Expected",
    "Explanation",
    "Fate",
    "Move",
    "Origin",
    "Reasons",
    "Term",
    "explained",
    "with_expected",
]
