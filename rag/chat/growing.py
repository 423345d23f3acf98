"""Text that grows token by token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# What tokenizers write for bytes that are no character, or not yet.
_UNREADABLE = "\ufffd"


class GrowingText:
    """Tells what each token adds to a text, as a streamer of the transformers library.

    All tokens are decoded anew each time, since what one becomes depends on those before it;
    that costs little beside the model. What the next token may change is told later: characters
    of which bytes are missing, and white space.
    """

    def __init__(self, decode: Callable[[list[int]], str], tell: Callable[[str], None]) -> None:
        self._decode = decode
        self._tell = tell
        self._tokens: list[int] = []
        self._told = ""
        self._prompted = False

    def put(self, value: Any) -> None:
        """Take the token that was made, a tensor `(1,)`; the first call brings the prompt."""
        if not self._prompted:
            self._prompted = True
            return
        self._tokens += value.flatten().tolist()
        text = self._decode(self._tokens)
        # Told even where nothing is added: so whoever waits no more is noticed.
        self._grow(text.rstrip().rstrip(_UNREADABLE) if text.startswith(self._told) else "")

    def end(self) -> None:
        """The last token was made."""
        self._grow(self._decode(self._tokens))

    def _grow(self, text: str) -> None:
        self._tell(text[len(self._told) :])
        self._told = max(self._told, text, key=len)
