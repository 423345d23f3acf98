"""What a passage says less clearly when it stands alone: its title, headings, and column names.

Passages found with their document's context are found better: DAPR (Wang et al. 2024), whose
ways of adding it include titles, and the first sentences as a summary.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal, TypeAlias

from rag.chunk.counting import Counter
from rag.sentences import block_at, boundaries
from rag.types import Document

ContextKind: TypeAlias = Literal["none", "title", "headings", "summary"]

# A context is a reminder; longer ones keep their innermost headings.
_MOST_TOKENS = 48
# A heading that the passage itself begins with is not said twice.
_BEGINNING = 300
# A document says what it is about at once, or not at all.
_LEAD = 2_000
_SHORTEST_SUMMARY = 20


class Contexts:
    """The contexts of one document's passages, by where they start."""

    def __init__(self, document: Document, counter: Counter, *, kind: ContextKind) -> None:
        self._document = document
        self._counter = counter
        self._kind = kind
        # At most a quarter of what the encoder reads: the rest is for the passage.
        self._most = min(_MOST_TOKENS, counter.limit // 4)
        self._measured: dict[tuple[str, str, str], tuple[str, int]] = {}
        # Asked for several times in a row, of the same place.
        self._last: tuple[int, tuple[str, int]] | None = None

    def at(self, start: int) -> str:
        """The context of a passage that starts at `start`: title and headings, outermost first.

        On lines of their own follow the summary, where it is asked for, and in a table that was
        cut before `start` the names of its columns.
        """
        return self._at(start)[0]

    def room(self, start: int, most: int) -> int:
        """Tokens left for the text of a passage that starts at `start`, at most `most`."""
        return min(most, self._counter.limit - self._at(start)[1])

    def _at(self, start: int) -> tuple[str, int]:
        """A context and the tokens that it takes."""
        if self._kind == "none":
            return "", 0
        if self._last is None or self._last[0] != start:
            self._last = start, self._found(start)
        return self._last[1]

    def _found(self, start: int) -> tuple[str, int]:
        """The same, each context being measured once."""
        block = block_at(self._document.blocks, start)
        above = block.headings if block is not None and self._kind != "title" else ()
        beginning = self._document.text[start : start + _BEGINNING]
        parts = dict.fromkeys((self._document.title, *above))
        path = " > ".join(part for part in parts if part and part not in beginning)
        within = block is not None and block.start < start < block.end
        header = block.header if block is not None and within else ""
        key = path, self._summary_for(start), header
        if key not in self._measured:
            self._measured[key] = self._cut(*key)
        return self._measured[key]

    def _summary_for(self, start: int) -> str:
        """The summary, for passages that begin after it."""
        if self._kind != "summary":
            return ""
        summary, end = self._summary
        return summary if start >= end else ""

    @cached_property
    def _summary(self) -> tuple[str, int]:
        """The first sentences of the document's first paragraph, and where they end."""
        start, end = _lead(self._document)
        last = start
        for cut in boundaries(self._document, start, end):
            taken = " ".join(self._document.text[start:cut].split())
            if last > start and self._counter.count(taken) > self._most:
                break
            last = cut
            if len(taken) >= _SHORTEST_SUMMARY:
                break
        return " ".join(self._document.text[start:last].split()), last

    def _cut(self, path: str, summary: str, header: str) -> tuple[str, int]:
        """The end of the path, the beginnings of the others, and the tokens that all take."""
        if path and self._counter.count(path) > self._most:
            path = path[self._counter.spans(path)[-self._most][0] :]
        parts = path, self._beginning(summary), self._beginning(header)
        context = "\n".join(part for part in parts if part)
        # The end of the line that parts it from the text is a token for some models.
        return context, self._counter.count(f"{context}\n") if context else 0

    def _beginning(self, text: str) -> str:
        if not text or self._counter.count(text) <= self._most:
            return text
        return text[: self._counter.spans(text)[self._most][0]]


def _lead(document: Document) -> tuple[int, int]:
    """Where the first paragraph that has text begins, and where to stop reading it."""
    for block in document.blocks:
        if block.kind == "paragraph" and document.text[block.start : block.end].strip():
            return block.start, min(block.end, block.start + _LEAD)
    if document.blocks:
        return 0, 0
    start = len(document.text) - len(document.text.lstrip())
    end = document.text.find("\n\n", start)
    last = len(document.text) if end < 0 else end
    return start, min(last, start + _LEAD)
