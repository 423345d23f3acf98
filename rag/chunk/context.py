"""What a passage says less clearly when it stands alone: its title, headings, and column names.

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
        self._measured: dict[tuple[str, str], tuple[str, int]] = {}

    def at(self, start: int) -> str:
        """The context of a passage that starts at `start`: title and headings, outermost first.

        In a table that was cut before `start` the names of its columns follow, on a line.
        """
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
        path = " > ".join(part for part in parts if part and part not in beginning)
        within = block is not None and block.start < start < block.end
        header = block.header if block is not None and within else ""
        if (path, header) not in self._measured:
            self._measured[path, header] = self._cut(path, header)
        return self._measured[path, header]

    def _cut(self, path: str, header: str) -> tuple[str, int]:
        """The end of the path and the beginning of the header, with the tokens they take."""
        spans = self._tokenizer.spans(path)
        if len(spans) > self._most:
            path = path[spans[-self._most][0] :]
        names = self._tokenizer.spans(header)
        if len(names) > self._most:
            header = header[: names[self._most][0]]
        context = "\n".join(part for part in (path, header) if part)
        # The end of the line that parts it from the text is a token for some models.
        return context, len(self._tokenizer.spans(f"{context}\n")) if context else 0
