"""The end of a conversation, as far as rewriters read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from pydantic import Field

from rag.tracing import note
from rag.types import Query, Turn

# The option that says how many characters of the conversation are read.
HistoryCharacters: TypeAlias = Annotated[int, Field(ge=1, le=100_000)]


def recent(query: Query, characters: int) -> tuple[Turn, ...]:
    """The last turns of the history that fit into `characters`, each on one line.

    Where not even the last one does, its beginning is taken. None where an earlier rewriter has
    put into words what the question left to the history.
    """
    if query.standalone:
        return ()
    kept: list[Turn] = []
    left = characters
    for turn in reversed(query.history):
        # Half a surrogate pair cannot be sent anywhere.
        text = " ".join(turn.text.encode("utf-8", "replace").decode().split())
        if len(text) > left:
            if not kept:
                kept.append(Turn(turn.role, text[:left]))
            _tell(len(kept), len(query.history), characters)
            break
        kept.append(Turn(turn.role, text))
        left -= len(text)
    return tuple(reversed(kept))


def dialogue(turns: Sequence[Turn]) -> str:
    """`turns` as a chat model reads them, one a line."""
    return "\n".join(f"{turn.role}: {turn.text}" for turn in turns)


def _tell(kept: int, turns: int, characters: int) -> None:
    what = "turn is" if kept == 1 else f"{kept} turns are"
    note(f"the history has {turns} turns; the last {what} read, up to {characters:,} characters")
