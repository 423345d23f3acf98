"""What a passage says less clearly when it stands alone: its document's title and its headings.

Passages found with their document's context are found better: DAPR (Wang et al. 2024).
"""

from __future__ import annotations

from rag.protocols import Tokenizer
from rag.sentences import block_at
from rag.types import Document

# A context is a reminder; longer ones keep their innermost headings.
_MOST_TOKENS = 48
# A heading that the passage itself begins with is not said twice.
_BEGINNING = 300


class Contexts:
    """The contexts of one document's passages, by where they start."""

    def __init__(self, document: Document, tokenizer: Tokenizer, *, used: bool) -> None:
        self._document = document
        self._tokenizer = tokenizer
        self._used = used
        # At most a quarter of what the encoder reads: the rest is for the passage.
        self._most = min(_MOST_TOKENS, tokenizer.limit // 4)
        self._lengths: dict[str, int] = {}

    def at(self, start: int) -> str:
        """The context of a passage that starts at `start`: title and headings, outermost first."""
        if not self._used:
            return ""
        block = block_at(self._document.blocks, start)
        parts = dict.fromkeys((self._document.title, *(block.headings if block else ())))
        beginning = self._document.text[start : start + _BEGINNING]
        context = " > ".join(part for part in parts if part and part not in beginning)
        spans = self._tokenizer.spans(context)
        return context[spans[-self._most][0] :] if len(spans) > self._most else context

    def room(self, start: int, most: int) -> int:
        """Tokens left for the text of a passage that starts at `start`, at most `most`."""
        context = self.at(start)
        if context not in self._lengths:
            # The end of the line that parts it from the text is a token for some models.
            self._lengths[context] = len(self._tokenizer.spans(f"{context}\n")) if context else 0
        return min(most, self._tokenizer.limit - self._lengths[context])
