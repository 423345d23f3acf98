"""Where text may be cut: after sentences, between blocks, and between lines that mean something."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from rag.languages import detect
from rag.types import Block, Document

_LINED = ("table", "code", "list")
_STRETCH = 4_000


def boundaries(document: Document, start: int, end: int, language: str | None = None) -> list[int]:
    """Offsets after `start` up to `end`, ascending, `end` included, where the text may be cut.

    Sentences are found by the sentencex library with the rules of the document's language:
    which abbreviations do not end one, and which marks do. For a language that it has no rules
    for, it takes those of a related one, or in the end English's. Who knows the `language`
    gives it: to detect the first one of a process takes half a second.
    """
    text = document.text[start:end]
    cuts = {start + end for end in _sentence_ends(text, language or detect(document.text))}
    for block in blocks_within(document.blocks, start, end):
        cuts.update((block.start, block.end))
        if block.kind in _LINED:
            # A table may be far longer than the part of it that is asked for.
            last = min(block.end, end)
            position = document.text.find("\n", max(block.start, start), last)
            while position >= 0:
                cuts.add(position + 1)
                position = document.text.find("\n", position + 1, last)
    cuts.add(end)
    return sorted(cut for cut in cuts if start < cut <= end)


def _sentence_ends(text: str, language: str) -> Iterator[int]:
    """Where the sentences of `text` end, found a stretch of it at a time.

    The library's time grows with the square of a text's sentences. A stretch ends with a
    paragraph, or the sentence that it cuts in two begins the next one.
    """
    import sentencex

    start, reach = 0, _STRETCH
    while start < len(text):
        end = min(start + reach, len(text))
        break_at = text.rfind("\n\n", start, end) if end < len(text) else -1
        whole = end == len(text) or break_at > start
        end = break_at + 2 if break_at > start else end
        found = sentencex.get_sentence_boundaries(language, text[start:end])
        ends = [start + one["end_index"] for one in found if whole or one is not found[-1]]
        yield from ends
        if whole or ends:
            start, reach = end if whole else ends[-1], _STRETCH
        else:
            reach *= 2


def blocks_within(blocks: Sequence[Block], start: int, end: int) -> Sequence[Block]:
    """The blocks that share a character with `start` to `end`."""
    first = bisect_right(blocks, start, key=lambda block: block.end)
    last = bisect_left(blocks, end, key=lambda block: block.start)
    return blocks[first:last]


def block_at(blocks: Sequence[Block], offset: int) -> Block | None:
    """The last block that begins at or before `offset`; None before the first."""
    position = bisect_right(blocks, offset, key=lambda block: block.start) - 1
    return blocks[position] if position >= 0 else None
