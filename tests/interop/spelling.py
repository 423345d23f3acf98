"""An answerer that streams, registered as one of a plug-in is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest

from rag import Answer, Citation, Delta, Hit, Query, registry
from rag.errors import ChatError
from rag.protocols import View


class SpellingAnswerer:
    """Answers a word at a time: the question, and how much was said before it.

    `begun` is how many streams were begun, `under_way` how many of them are not over.
    """

    begun: ClassVar[int] = 0
    under_way: ClassVar[int] = 0

    def answer(self, query: Query, hits: Sequence[Hit], view: View) -> Answer:
        """The last of the events."""
        *_, answer = self.stream(query, hits, view)
        assert isinstance(answer, Answer)
        return answer

    def stream(self, query: Query, hits: Sequence[Hit], view: View) -> Iterator[Delta | Answer]:
        """A piece for each word; at the word `broken` the stream breaks off."""
        SpellingAnswerer.begun += 1
        SpellingAnswerer.under_way += 1
        try:
            yield from self._events(query, hits)
        finally:
            SpellingAnswerer.under_way -= 1

    def _events(self, query: Query, hits: Sequence[Hit]) -> Iterator[Delta | Answer]:
        text = f"{query.text} after {len(query.history)} turns"
        for place, word in enumerate(text.split(" ")):
            yield Delta(f" {word}" if place else word)
            if word == "broken":
                raise ChatError("the stream broke off")
        best = hits[0].passage
        cited = Citation(best.document_id, best.source, best.start, best.end, best.text)
        yield Answer(query.text, text, abstained=False, citations=(cited,), score=0.7)


@contextmanager
def registered() -> Iterator[str]:
    """The override by which a pipeline answers so."""
    known = registry._registered

    def points(kind: str) -> Mapping[str, EntryPoint]:
        spelling = EntryPoint("spelling", "spelling:SpellingAnswerer", registry.GROUPS["answerer"])
        return {**known(kind), "spelling": spelling} if kind == "answerer" else known(kind)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_registered", points)
        yield "answer={use: spelling}"
