"""The text of a reply made fit to be shown while it comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

_THOUGHT, _THOUGHT_END = "<think>", "</think>"


class Pieces:
    """Together the pieces are what `reply_of` makes of the whole text, wherever it is cut.

    Thoughts at its beginning are left out, and white space at both ends; characters are whole.
    What may turn out to be either waits for what follows.
    """

    def __init__(self) -> None:
        self._state: Literal["opening", "thinking", "telling"] = "opening"
        self._waiting: list[str] = []
        self._told = False

    def add(self, text: str) -> str:
        """What can be shown now that `text` has come; often nothing."""
        # Joined only where something else comes, so that endless white space costs little.
        if self._state == "telling" and (not text or text.isspace()):
            self._waiting += [text] if self._told else []
            return ""
        held = "".join([*self._waiting, text])
        if self._state == "opening":
            held = self._opened(held)
        if self._state == "thinking":
            held = self._thought(held)
        if self._state == "telling":
            return self._shown(held)
        self._waiting = [held]
        return ""

    def rest(self) -> str:
        """What waited in vain: the text is over."""
        if self._state == "thinking":
            return ""
        return _whole("".join(self._waiting).rstrip())

    def _opened(self, held: str) -> str:
        begun = held.lstrip()
        if begun.startswith(_THOUGHT):
            self._state = "thinking"
            return begun.removeprefix(_THOUGHT)
        if not _THOUGHT.startswith(begun):
            self._state = "telling"
        return begun

    def _thought(self, held: str) -> str:
        """What follows the thoughts; before their end as much as the end may begin with."""
        at = held.find(_THOUGHT_END)
        if at < 0:
            return held[1 - len(_THOUGHT_END) :]
        self._state = "telling"
        return held[at + len(_THOUGHT_END) :]

    def _shown(self, held: str) -> str:
        if not self._told:
            held = held.lstrip()
        # The second half of a pair may come with the next text.
        end = len(held) - 1 if _half(held[-1:]) else len(held.rstrip())
        self._waiting = [held[end:]] if end < len(held) else []
        self._told = self._told or bool(held)
        return _whole(held[:end])


def pieces(texts: Iterable[str]) -> Iterator[str]:
    """`texts` as pieces, none of them empty."""
    found = Pieces()
    for text in texts:
        if piece := found.add(text):
            yield piece
    if piece := found.rest():
        yield piece


def _half(character: str) -> bool:
    return "\ud800" <= character <= "\udbff"


def _whole(text: str) -> str:
    """`text` with its surrogate pairs joined, and what is half of one replaced."""
    if text.isascii():
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return joined.encode("utf-8", "replace").decode()
