"""Questions as people and programs give them, checked before anything works on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from rag.errors import RequestError
from rag.filters import Filters, as_filters
from rag.types import MAX_QUESTION, Query, Turn


def as_query(question: str | Query, filters: Filters, history: Sequence[Turn] = ()) -> Query:
    """The query that people or programs mean. Raises RequestError where it cannot be asked."""
    query = question if isinstance(question, Query) else Query(question)
    if history:
        query = replace(query, history=tuple(history))
    _check_history(query.history)
    # Programs give what they have: an empty cell of a table, bytes of a request.
    if not isinstance(query.text, str):
        raise RequestError(f"a question is text, not of type '{type(query.text).__name__}'")
    text = query.text.strip()
    if not text:
        raise RequestError("the question is empty")
    if len(text) > MAX_QUESTION:
        raise RequestError(
            f"the question has {len(text):,} characters; up to {MAX_QUESTION:,} are taken"
        )
    # Half a surrogate pair cannot be written anywhere.
    text = text.encode("utf-8", "replace").decode()
    return replace(query, text=text, filters=(*as_filters(query.filters), *as_filters(filters)))


def _check_history(history: Sequence[Turn]) -> None:
    expected = "a history is earlier turns, user's and assistant's in turn, and ends with an answer"
    for place, turn in enumerate(history, 1):
        # Programs give what they have: JSON, or messages of another library.
        told = getattr(turn, "role", None) in {"user", "assistant"}
        if not told or not isinstance(getattr(turn, "text", None), str):
            raise RequestError(
                f"turn {place} of the history is none: give Turn('user', TEXT) and "
                "Turn('assistant', TEXT) of rag.types"
            )
    for place, (turn, following) in enumerate(pairwise(history), 1):
        if turn.role == following.role:
            raise RequestError(
                f"turns {place} and {place + 1} of the history are both by the {turn.role}: "
                + expected
            )
    if history and history[-1].role != "assistant":
        raise RequestError(f"the history ends with a turn of the {history[-1].role}: {expected}")
