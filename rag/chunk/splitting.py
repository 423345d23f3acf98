"""An element that is too long, cut where it hurts least: lines, sentences, words, tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress, pairwise

from rag.chunk.counting import Counter
from rag.chunk.elements import Element, line_starts
from rag.chunk.units import token_starts, windows
from rag.sentences import boundaries
from rag.types import Document

_LINED = ("table", "code", "list")
# No token of a model that was trained on text is longer.
_LONGEST_TOKEN = 100
# How far back from a cut between tokens a cut between words is looked for.
_BACK = 16


class Splitter:
    """Cuts elements of one document into spans of tokens."""

    def __init__(self, document: Document, counter: Counter) -> None:
        self._document = document
        self._text = document.text
        self._counter = counter

    def split(self, element: Element, most: int) -> Iterator[tuple[int, int, int]]:
        """Spans of an element, each with its number of tokens, which is at most `most`.

        A table, list or code is cut between lines; other text between sentences. A line or a
        sentence that is too long alone is cut into sentences or lines, and in the end between
        words, or between tokens where there are no words.
        """
        lined = element.kind in _LINED
        ways = ("lines", "sentences") if lined else ("sentences", "lines")
        return self._split(element.start, element.end, most, ways)

    def counted(self, spans: Sequence[tuple[int, int]], most: int) -> list[int]:
        """Tokens of each span without outer space; `most + 1` for those that must have more."""
        short = [b - a <= most * _LONGEST_TOKEN for a, b in spans]
        texts = [self._text[a:b].strip() for a, b in compress(spans, short)]
        counts = iter(self._counter.counts(texts))
        return [next(counts) if is_short else most + 1 for is_short in short]

    def _split(
        self, start: int, end: int, most: int, ways: Sequence[str]
    ) -> Iterator[tuple[int, int, int]]:
        if not ways:
            yield from self._between_tokens(start, end, most)
            return
        found = pairwise(self._cuts(start, end, ways[0]))
        spans = [(a, b) for a, b in found if not self._text[a:b].isspace()]
        for (a, b), tokens in zip(spans, self.counted(spans, most), strict=True):
            if tokens <= most:
                yield a, b, tokens
            else:
                yield from self._split(a, b, most, ways[1:])

    def _cuts(self, start: int, end: int, way: str) -> list[int]:
        if way == "lines":
            return line_starts(self._text, start, end)
        return [start, *boundaries(self._document, start, end)]

    def _between_tokens(self, start: int, end: int, most: int) -> Iterator[tuple[int, int, int]]:
        for first, last in windows(self._text, start, end):
            starts = token_starts(self._counter.spans(self._text[first:last]), first)
            position, done = first, 0
            while len(starts) - done > most:
                here = self._word_before(starts, done + most, done + max(most - _BACK, most // 2))
                yield position, starts[here], here - done
                position, done = starts[here], here
            yield position, last, len(starts) - done

    def _word_before(self, starts: Sequence[int], most: int, least: int) -> int:
        """The last token up to `most`, and after `least`, that begins a word; else `most`."""
        for here in range(most, least, -1):
            if self._text[starts[here]].isspace() or self._text[starts[here] - 1].isspace():
                return here
        return most
