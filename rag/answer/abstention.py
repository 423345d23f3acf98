"""The answer where there is none: that the documents don't answer, and what was looked at."""

from __future__ import annotations

from collections.abc import Sequence

from rag.types import Answer, Hit, Query
from rag.whereabouts import located

ABSTENTION = "The documents don't answer this."

_CLOSEST = 3


def abstained(query: Query, hits: Sequence[Hit], score: float = 0.0) -> Answer:
    """An abstention that names the places of the best `hits`."""
    places = list(dict.fromkeys(_place(hit) for hit in hits))[:_CLOSEST]
    text = f"{ABSTENTION}\nClosest: {'; '.join(places)}" if places else ABSTENTION
    return Answer(query.text, text, abstained=True, score=score)


def _place(hit: Hit) -> str:
    # What is longer was made for whoever answers; what was found says where to look.
    passage = hit.found[0] if hit.found else hit.passage
    told = "an earlier version: it could not be read since"
    return located(passage, told if passage.metadata.get("stale") else "")
