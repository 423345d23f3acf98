"""The reply that a server's records tell, whichever the provider."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.chat.answered import dug, told_cut
from rag.chat.pieces import pieces
from rag.chat.said import said
from rag.chat.settings import MOST

if TYPE_CHECKING:
    from rag.chat.server import Server


@dataclass(frozen=True, slots=True)
class Part:
    """What one record tells: text and words of refusal that go on, and why the reply `ended`."""

    text: str = ""
    refusal: str = ""
    ended: str = ""


def reply_told(
    server: Server, records: Iterable[Any], part: Callable[[Any], Part], most: int | None
) -> Iterator[str]:
    """The pieces of the reply in `records`, of each of which `part` makes sense.

    `most` is the tokens that it may have, for the note of one that was cut. Raises ChatError.
    """
    empty = True
    for piece in pieces(_texts(server, records, part, most)):
        empty = False
        yield piece
    if empty:
        raise server.failed("answered with an empty text")


def check_refusal(server: Server, refusal: str, ended: object) -> None:
    """Raises ChatError where the model or its server refused to reply."""
    if refusal:
        raise server.failed(f"refused: {' '.join(refusal.split())[:120]}")
    if ended == "content_filter":
        raise server.failed("refused: its filter withheld the reply")


def _texts(
    server: Server, records: Iterable[Any], part: Callable[[Any], Part], most: int | None
) -> Iterator[str]:
    size, refusal, ended = 0, "", ""
    for record in records:
        if dug(record, "error"):
            raise server.reported(said(record))
        found = part(record)
        refusal = (refusal + found.refusal)[:MOST]
        size += len(found.text)
        if size > MOST:
            raise server.failed(f"answered with more than {MOST:,} characters")
        yield found.text
        if ended := found.ended:
            break
    check_refusal(server, refusal.encode("utf-8", "replace").decode(), ended)
    if ended == "length":
        told_cut(f"max_tokens = {most}")
