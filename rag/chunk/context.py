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
        self._measured: dict[str, tuple[str, int]] = {}

    def at(self, start: int) -> str:
        """The context of a passage that starts at `start`: title and headings, outermost first."""
        return self._at(start)[0]

    def room(self, start: int, most: int) -> int:
        """Tokens left for the text of a passage that starts at `start`, at most `most`."""
        return min(most, self._tokenizer.limit - self._at(start)[1])

    def _at(self, start: int) -> tuple[str, int]:
        """A context and the tokens that it takes; each is measured once."""
        if not self._used:
            return "", 0
        block = block_at(self._document.blocks, start)
        parts = dict.fromkeys((self._document.title, *(block.headings if block else ())))
        beginning = self._document.text[start : start + _BEGINNING]
        context = " > ".join(part for part in parts if part and part not in beginning)
        if context not in self._measured:
            self._measured[context] = self._cut(context)
        return self._measured[context]

    def _cut(self, context: str) -> tuple[str, int]:
        if not context:
            return "", 0
        spans = self._tokenizer.spans(context)
        if len(spans) > self._most:
            context = context[spans[-self._most][0] :]
        # The end of the line that parts it from the text is a token for some models.
        return context, len(self._tokenizer.spans(f"{context}\n"))
