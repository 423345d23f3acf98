"""What every selector promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.protocols import Selector, View
from rag.testing.memory import MemoryView
from rag.types import Hit, Query


class SelectorSuite:
    """Override `make`.

    A selector goes by the hits' scores, or with `by_scores = False` by their order: then scores
    may be of several stages, as they are after a reranker that scored the first hits alone.
    """

    by_scores = True

    def make(self) -> Selector:
        """The selector."""
        raise NotImplementedError

    def view(self) -> View:
        """The index that was searched."""
        return MemoryView()

    def query(self) -> Query:
        """What was asked."""
        return Query("when does the ferry leave")

    def hits(self) -> Sequence[Hit]:
        """What was found, best first, with scores that differ; some of it is of one document."""
        view = MemoryView()
        found = view.dense(view.vectors(view.passages[:1])[0], 20)
        return [Hit(passage, 1 / place) for place, (passage, _) in enumerate(found, 1)]

    def test_is_a_selector(self) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(), Selector)

    def test_nothing_is_invented_or_repeated(self) -> None:
        """Every hit is one of those given, its passage as it was, and there once."""
        given = {hit.passage.id: hit for hit in self.hits()}
        chosen = self._select(self.hits())
        assert chosen
        assert len({hit.passage.id for hit in chosen}) == len(chosen)
        for hit in chosen:
            assert replace(hit, score=given[hit.passage.id].score) == given[hit.passage.id]

    def test_nothing_of_nothing(self) -> None:
        """No hits give no hits."""
        assert list(self._select([])) == []

    def test_selecting_is_repeatable(self) -> None:
        """The same hits give the same choice."""
        assert self._select(self.hits()) == self._select(self.hits())

    def test_scores_or_order_decide(self) -> None:
        """Hits that go by scores may come in any order; else scores may be anything."""
        hits = self.hits()
        if self.by_scores:
            assert self._select(hits[::-1]) == self._select(hits)
            return
        scored = [replace(hit, score=float(place % 3)) for place, hit in enumerate(hits)]
        assert _ids(self._select(scored)) == _ids(self._select(hits))

    def _select(self, hits: Sequence[Hit]) -> list[Hit]:
        return list(self.make().select(self.query(), hits, self.view()))


def _ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.passage.id for hit in hits]
